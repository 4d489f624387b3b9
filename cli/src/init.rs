//! `warden init`: a policy set of one's own, outside the source tree of the warden. It accepts nothing.

use std::{fs, io::Write, path::Path};

use warden::policy::{CASES, GROUPS, PolicyErrors, PolicyFile, PolicySet};

use crate::error::{CliError, Outcome};

const FILES: [(&str, &str); 4] = [
    ("policies.cedar", include_str!("init/policies.cedar")),
    (GROUPS, include_str!("init/groups.json")),
    (CASES, include_str!("init/cases.json")),
    ("README.md", include_str!("init/README.md")),
];

/// The policies, groups and cases of a new set.
pub(crate) fn files() -> Vec<PolicyFile> {
    let of_set = FILES.iter().filter(|(name, _)| *name != "README.md");
    of_set.map(|(name, text)| PolicyFile { name: (*name).to_owned(), text: (*text).to_owned() }).collect()
}

/// A set that accepts nothing.
pub(crate) fn empty_set() -> Result<PolicySet, PolicyErrors> {
    PolicySet::of_files(&files(), "a new set")
}

pub(crate) fn init(directory: &Path) -> Result<Outcome, CliError> {
    fs::create_dir_all(directory).map_err(CliError::at(directory))?;
    for entry in fs::read_dir(directory).map_err(CliError::at(directory))? {
        let name = entry.map_err(CliError::at(directory))?.file_name().to_string_lossy().into_owned();
        if name.ends_with(".cedar") || FILES.iter().any(|(file, _)| *file == name) {
            return Err(CliError::Usage(format!("{} has {name} already: name a directory without a policy set", directory.display())));
        }
    }
    for (name, text) in FILES {
        let path = directory.join(name);
        let shown = directory.display().to_string();
        // The file of another process is not overwritten.
        let written = fs::File::create_new(&path).and_then(|mut file| file.write_all(text.replace("THIS-DIRECTORY", &shown).as_bytes()));
        written.map_err(CliError::at(&path))?;
        println!("{}", path.display());
    }
    println!("This set is valid and accepts nothing. `warden adopt` shows what is connected today; README.md has the next commands.");
    Ok(Outcome::Clean)
}

#[cfg(test)]
mod tests {
    use warden::{
        decision::cases::{Case, run},
        policy::folder,
    };

    use super::*;

    #[test]
    fn new_set_is_valid_and_accepts_nothing() {
        let place = tempfile::tempdir().unwrap();
        let directory = place.path().join("policies");
        init(&directory).unwrap();
        let set = folder::load(&directory).unwrap();
        assert_eq!(set.accepting_permits().count(), 0);
        let cases: Vec<Case> = serde_json::from_str(&fs::read_to_string(directory.join(CASES)).unwrap()).unwrap();
        assert!(!cases.is_empty() && cases.iter().all(|case| run(&set, case).problem.is_none()));
        assert!(fs::read_to_string(directory.join("README.md")).unwrap().contains(&directory.display().to_string()));
    }

    #[test]
    fn commented_examples_are_valid_policies() {
        let cedar = FILES[0].1;
        let examples: Vec<&str> = cedar.lines().filter_map(|line| line.strip_prefix("//   ")).collect();
        let file = |name: &str, text: String| PolicyFile { name: name.to_owned(), text };
        let groups = r#"{"redis-consumers": {"accounts": []}, "closed": {"accounts": []}, "blocked": {"accounts": []}}"#;
        let set = PolicySet::load(&[file("p.cedar", examples.join("\n") + "\n" + cedar)], Some(&file(GROUPS, groups.to_owned()))).unwrap();
        assert_eq!((set.len(), set.accepting_permits().count()), (5, 2));
    }

    #[test]
    fn set_that_exists_is_not_overwritten() {
        for name in ["mine.cedar", GROUPS, CASES, "README.md"] {
            let place = tempfile::tempdir().unwrap();
            fs::write(place.path().join(name), "mine").unwrap();
            assert!(matches!(init(place.path()), Err(CliError::Usage(message)) if message.contains(name)));
            assert_eq!(fs::read_dir(place.path()).unwrap().count(), 1);
        }
    }
}
