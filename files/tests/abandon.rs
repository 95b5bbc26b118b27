//! What an interrupted process leaves. In a process of its own: nothing can be written after it.

use files::{Lock, abandon, write};
use std::fs;
use std::path::Path;

fn beside(folder: &Path) -> Vec<String> {
    let entries =
        fs::read_dir(folder).expect("there").map(|e| e.expect("an entry").file_name().into_string().expect("a name"));
    entries.filter(|name| name.starts_with('.')).collect()
}

#[test]
fn an_interrupted_process_leaves_nothing_beside_its_files() {
    let folder = tempfile::tempdir().expect("a folder");
    let (path, lock) = (folder.path().join("x"), Lock::beside(&folder.path().join("y")).expect("locks").expect("free"));
    write(&path, b"old").expect("it is written");
    let writer = path.clone();
    // It writes until it is stopped.
    let thread = std::thread::spawn(move || {
        let contents = vec![0; 8 << 20];
        loop {
            write(&writer, &contents).expect("it is written");
        }
    });
    while beside(folder.path()).len() < 2 {
        assert!(!thread.is_finished());
        std::thread::yield_now();
    }
    abandon();
    assert_eq!(beside(folder.path()), [""; 0]);
    let size = fs::metadata(&path).expect("it is there").len();
    assert!(size == 3 || size == 8 << 20, "{size} bytes are half a file");
    // To let go of the lock would wait for ever.
    std::mem::forget(lock);
}
