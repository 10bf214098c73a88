//! The page's files as gzip, which browsers unpack: a third of the bytes on the way to a phone.
//! Without the feature `console` there is nothing to do.

fn main() {
    #[cfg(feature = "console")]
    pack::pack();
}

#[cfg(feature = "console")]
mod pack {
    use std::fs::{self, File};
    use std::io::{self, Write};
    use std::path::Path;

    use flate2::{Compression, GzBuilder};

    pub(super) fn pack() {
        let web = Path::new("web");
        println!("cargo::rerun-if-changed={}", web.display());
        let out = std::env::var_os("OUT_DIR").expect("cargo names a folder");
        let packed = pack_all(web, Path::new(&out));
        packed.expect("the page's files can be read, and OUT_DIR written");
    }

    fn pack_all(web: &Path, out: &Path) -> io::Result<()> {
        for file in fs::read_dir(web)? {
            let file = file?;
            println!("cargo::rerun-if-changed={}", file.path().display());
            let name = file.file_name();
            let packed = out.join(format!("{}.gz", name.to_string_lossy()));
            // No time of the build in it: the same text gives the same bytes.
            let mut encoder = GzBuilder::new()
                .mtime(0)
                .write(File::create(packed)?, Compression::best());
            encoder.write_all(&fs::read(file.path())?)?;
            encoder.finish()?;
        }
        Ok(())
    }
}
