//! A page of Rust that keeps its own indentation.

/// Lines of code so far.
#[derive(Default)]
pub struct Page {
    pub text: String,
    depth: usize,
}

impl Page {
    pub fn blank(&mut self) {
        self.text.push('\n');
    }

    pub fn line(&mut self, line: impl AsRef<str>) {
        let line = line.as_ref();
        if !line.is_empty() {
            self.text.extend(std::iter::repeat_n("    ", self.depth));
        }
        self.text.push_str(line);
        self.text.push('\n');
    }

    /// A line that opens a block; `body` writes what is in it, and a brace closes it.
    pub fn block(&mut self, head: impl AsRef<str>, body: impl FnOnce(&mut Self)) {
        self.block_until(head, "}", body);
    }

    /// The same with a closing line of its own, such as `};`.
    pub fn block_until(&mut self, head: impl AsRef<str>, end: &str, body: impl FnOnce(&mut Self)) {
        self.line(format!("{} {{", head.as_ref()));
        self.depth += 1;
        body(self);
        self.depth -= 1;
        self.line(end);
    }

    pub fn docs<S: AsRef<str>>(&mut self, docs: impl IntoIterator<Item = S>) {
        for doc in docs {
            self.line(format!("/// {}", doc.as_ref()).trim_end());
        }
    }
}
