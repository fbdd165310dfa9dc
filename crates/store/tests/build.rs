//! Records and logs of builds, and who is busy with them.

use std::fs;

use akbuild_nar::TreeHash;
use akbuild_store::{BuildId, Key, StageRecord, Store};

struct Home {
    _folder: tempfile::TempDir,
    store: Store,
}

fn home() -> Home {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(&folder.path().join("home")).unwrap();
    Home { _folder: folder, store }
}

impl Home {
    fn reopen(&self) -> Store {
        Store::open(self.store.home()).unwrap()
    }
}

#[test]
fn a_build_goes_on_until_it_or_its_process_ends() {
    let home = home();
    let other = home.reopen();
    let begin = || home.store.begin_build(&[], "sample", &[]).unwrap();
    let (first, second) = (begin(), begin());
    for store in [&home.store, &other] {
        assert!(store.is_running(&first) && store.is_running(&second));
    }
    home.store.finish_build(&first, false).unwrap();
    assert!(!other.is_running(&first) && other.is_running(&second));
    let Home { store, _folder } = home;
    drop(store);
    assert!(!other.is_running(&second));
    assert_eq!(other.build(&second).unwrap().unwrap().ok, None);
}

#[test]
fn a_log_is_written_until_its_file_is_closed() {
    let home = home();
    let build = home.store.begin_build(&[], "sample", &[]).unwrap();
    let (path, file) = home.store.create_log(&build, "web").unwrap();
    assert!(home.reopen().is_written(&path));
    drop(file);
    assert!(!home.reopen().is_written(&path));
    assert!(!home.store.is_written(&home.store.log_path(&build, "none")));
}

#[test]
fn the_newest_records_of_a_stage() {
    let home = home();
    let record = |project: &str, status: &str| {
        let build = home.store.begin_build(&[], project, &[]).unwrap();
        let stage = StageRecord { stage: "web".into(), status: status.into(), ..StageRecord::default() };
        home.store.record_stages(&build, &[stage]).unwrap();
    };
    record("sample", "failed");
    record("sample", "built");
    record("other", "cached");
    for _ in 0..20 {
        record("many", "cached");
    }
    record("many", "built");
    let statuses = |records: Vec<(BuildId, StageRecord)>| -> Vec<String> {
        records.into_iter().map(|(_, record)| record.status).collect()
    };
    assert_eq!(statuses(home.store.runs("sample", "web", 9).unwrap()), ["built", "failed"]);
    assert_eq!(statuses(home.store.runs("sample", "web", 1).unwrap()), ["built"]);
    assert_eq!(statuses(home.store.runs("many", "web", 1).unwrap()), ["built"]);
    assert_eq!(home.store.runs("sample", "none", 9).unwrap(), []);
}

#[test]
fn a_kept_folder_that_is_used_is_locked() {
    let home = home();
    let kept = home.store.scratch("web").unwrap().keep().unwrap();
    let taken = || {
        let folder = fs::File::open(&kept).unwrap();
        rustix::fs::flock(&folder, rustix::fs::FlockOperation::NonBlockingLockExclusive).is_ok()
    };
    let used = home.store.use_kept(&kept).unwrap();
    assert!(!taken());
    drop(used);
    assert!(taken());
}

#[test]
fn an_index_of_a_former_version_is_dropped_and_what_it_found_is_found() {
    let home = home();
    let sql = |text: &str| {
        let index = rusqlite::Connection::open(home.store.home().join("index-v2.sqlite")).unwrap();
        index.query_row(text, [], |row| row.get::<_, i64>(0))
    };
    sql("CREATE INDEX stages_output ON stages (output, build)").unwrap_err();
    let output = TreeHash::from([1; 32]);
    for (project, stage, key) in [("sample", "web", 1), ("sample", "web", 2), ("sample", "api", 3), ("else", "web", 4)]
    {
        let build = home.store.begin_build(&[], project, &[]).unwrap();
        let key = Some(Key::of(&[key]));
        let stage = StageRecord { stage: stage.into(), key, output: Some(output), ..StageRecord::default() };
        home.store.record_stages(&build, &[stage]).unwrap();
    }
    let count = "SELECT count(*) FROM sqlite_schema WHERE name = 'stages_output'";
    assert_eq!(sql(count), Ok(1));
    let store = home.reopen();
    assert_eq!(sql(count), Ok(0));
    assert_eq!(store.key_of_output("sample", "web", &output).unwrap(), Some(Key::of(&[2])));
    assert_eq!(store.key_of_output("else", "web", &output).unwrap(), Some(Key::of(&[4])));
    assert_eq!(store.key_of_output("sample", "web", &TreeHash::from([2; 32])).unwrap(), None);
}
