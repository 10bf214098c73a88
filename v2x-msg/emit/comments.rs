//! The comments of an ASN.1 file, which the tokenizer drops: those above a definition become the
//! documentation of the type, those behind a member that of the field.

use std::collections::BTreeMap;

/// What a file says about its types and members, by ASN.1 name.
#[derive(Default)]
pub struct Comments {
    types: BTreeMap<String, Vec<String>>,
    members: BTreeMap<(String, String), String>,
}

impl Comments {
    pub fn read(text: &str, into: &mut Self) {
        let mut above = Vec::new();
        let mut inside = String::new();
        for line in text.lines() {
            if let Some(comment) = line.strip_prefix("--") {
                above.push(comment.trim().to_owned());
            } else if let Some((name, _)) = line.split_once(" ::=") {
                inside = name.to_owned();
                into.types
                    .insert(inside.clone(), std::mem::take(&mut above));
            } else if let Some((member, comment)) = line.split_once(" -- ") {
                let name = member.split_whitespace().next().unwrap_or_default();
                into.members
                    .insert((inside.clone(), name.to_owned()), comment.trim().to_owned());
            } else if line.is_empty() {
                above.clear();
            }
        }
    }

    pub fn of_type(&self, name: &str) -> Vec<String> {
        self.types.get(name).cloned().unwrap_or_default()
    }

    pub fn of_member(&self, owner: &str, name: &str) -> Option<String> {
        self.members
            .get(&(owner.to_owned(), name.to_owned()))
            .cloned()
    }
}
