//! S3: the reports of the audits.

use std::{
    collections::BTreeMap,
    path::Path,
    sync::{Arc, Mutex, PoisonError},
};

use serde_json::Value;
use warden::ports::{CallError, ReportStore};

use crate::Faults;

/// The stored files by key.
#[derive(Debug, Clone, Default)]
pub struct Reports {
    files: Arc<Mutex<BTreeMap<String, Vec<u8>>>>,
    pub faults: Faults,
}

impl Reports {
    /// The newest file of this name.
    pub fn read(&self, name: &str) -> String {
        let files = self.files.lock().unwrap_or_else(PoisonError::into_inner);
        let content = files.iter().rev().find(|(key, _)| key.ends_with(name)).unwrap().1;
        String::from_utf8(content.clone()).unwrap()
    }

    pub fn json(&self) -> Value {
        serde_json::from_str(&self.read("report.json")).unwrap()
    }

    /// The ids of the findings in the newest report, in its order.
    pub fn findings(&self) -> Vec<String> {
        self.json()["findings"].as_array().unwrap().iter().map(|finding| finding["id"].as_str().unwrap().to_owned()).collect()
    }
}

impl ReportStore for Reports {
    async fn store(&self, name: &str, _: &str, file: &Path) -> Result<(), CallError> {
        let content = std::fs::read(file).unwrap();
        let store = || {
            self.files.lock().unwrap_or_else(PoisonError::into_inner).insert(name.to_owned(), content);
            Ok(())
        };
        self.faults.around("PutObject", store).await
    }

    fn location(&self, name: &str) -> String {
        format!("s3://reports/{name}")
    }
}
