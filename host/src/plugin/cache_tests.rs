use super::*;
use crate::plugin::engine::Engines;
use std::os::unix::fs::PermissionsExt;
use std::sync::Arc;

/// An empty component: enough to have code.
const COMPONENT: &[u8] = b"\0asm\x0d\0\x01\0";

struct Fixture {
    dir: tempfile::TempDir,
    engine: Arc<Engine>,
    code: Vec<u8>,
}

fn fixture() -> Fixture {
    let engine = Engines::new().for_stack(512 << 10).expect("engine");
    let code = engine.wasmtime().precompile_component(COMPONENT).expect("compiles");
    Fixture { dir: tempfile::tempdir().expect("folder"), engine, code }
}

impl Fixture {
    fn cache(&self) -> Cache {
        Cache::at(&self.dir.path().join("weir")).expect("cache")
    }

    fn entry(&self) -> PathBuf {
        self.dir.path().join("weir").join(entry_name(&self.engine, Digest::of(COMPONENT)))
    }
}

#[test]
fn what_is_kept_is_found_again() {
    let fixture = fixture();
    let digest = Digest::of(COMPONENT);
    assert!(fixture.cache().load(&fixture.engine, digest).is_none());
    fixture.cache().store(&fixture.engine, digest, &fixture.code);
    assert!(fixture.cache().load(&fixture.engine, digest).is_some(), "also by a later process");
    assert!(fixture.cache().load(&fixture.engine, Digest::of(b"other")).is_none());
}

#[test]
fn a_changed_entry_is_not_loaded() {
    let fixture = fixture();
    let digest = Digest::of(COMPONENT);
    fixture.cache().store(&fixture.engine, digest, &fixture.code);
    let whole = fs::read(fixture.entry()).expect("entry");
    for place in [0, MAC_BYTES, whole.len() - 1] {
        let mut changed = whole.clone();
        changed[place] ^= 1;
        fs::write(fixture.entry(), &changed).expect("write");
        assert!(fixture.cache().load(&fixture.engine, digest).is_none(), "byte {place}");
    }
    for len in [0, MAC_BYTES - 1, MAC_BYTES, whole.len() - 1] {
        fs::write(fixture.entry(), &whole[..len]).expect("write");
        assert!(fixture.cache().load(&fixture.engine, digest).is_none(), "{len} bytes");
    }
    fs::write(fixture.entry(), &whole).expect("write");
    assert!(fixture.cache().load(&fixture.engine, digest).is_some());
}

#[test]
fn an_entry_under_another_name_is_not_loaded() {
    let fixture = fixture();
    fixture.cache().store(&fixture.engine, Digest::of(b"other"), &fixture.code);
    let other = fixture.dir.path().join("weir").join(entry_name(&fixture.engine, Digest::of(b"other")));
    fs::rename(other, fixture.entry()).expect("rename");
    assert!(fixture.cache().load(&fixture.engine, Digest::of(COMPONENT)).is_none());
}

#[test]
fn folder_and_key_are_private() {
    let fixture = fixture();
    fixture.cache();
    let dir = fixture.dir.path().join("weir");
    let mode = |path: &Path| fs::metadata(path).expect("there").mode() & 0o777;
    assert_eq!((mode(&dir), mode(&dir.join("key"))), (0o700, 0o600));
    for (path, good) in [(dir.clone(), 0o700), (dir.join("key"), 0o600)] {
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).expect("chmod");
        assert!(Cache::at(&dir).is_err_and(|error| error.to_string().contains("go-rwx")), "{}", path.display());
        fs::set_permissions(&path, fs::Permissions::from_mode(good)).expect("chmod");
    }
    assert!(Cache::at(&dir).is_ok());
    let link = fixture.dir.path().join("link");
    std::os::unix::fs::symlink(&dir, &link).expect("link");
    assert!(Cache::at(&link).is_err_and(|error| error.to_string().contains("is a link")));
}

#[test]
fn the_oldest_entries_go() {
    let fixture = fixture();
    let cache = fixture.cache();
    for n in 0..ENTRIES_MAX as u32 + 3 {
        cache.store(&fixture.engine, Digest::of(&n.to_le_bytes()), b"code");
    }
    let entries = fs::read_dir(fixture.dir.path().join("weir")).expect("folder").count();
    assert_eq!(entries, ENTRIES_MAX + 1, "and the key");
}

#[test]
fn the_folder_is_the_first_that_is_named() {
    let vars = |names: &'static [(&str, &str)]| {
        move |name: &str| names.iter().find(|(n, _)| *n == name).map(|(_, v)| PathBuf::from(v))
    };
    assert_eq!(dir_from(vars(&[("WEIR_CACHE_DIR", "/w"), ("XDG_CACHE_HOME", "/x")])), Some("/w".into()));
    assert_eq!(dir_from(vars(&[("XDG_CACHE_HOME", "/x"), ("HOME", "/h")])), Some("/x/weir".into()));
    assert_eq!(dir_from(vars(&[("HOME", "/h")])), Some("/h/.cache/weir".into()));
    assert_eq!(dir_from(vars(&[])), None);
}

#[test]
fn hmac_is_that_of_rfc_4231() {
    let mac = hmac(b"Jefe", &[b"what do ya want ", b"for nothing?"]);
    let hex: String = mac.iter().map(|byte| format!("{byte:02x}")).collect();
    assert_eq!(hex, "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
}
