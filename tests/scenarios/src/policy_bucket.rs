//! S3: the bucket of a policy set.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use warden::ports::{CallError, Fetch, Fetched};

/// The objects of a bucket, by key.
#[derive(Debug, Clone, Default)]
pub struct PolicyBucket(Arc<Mutex<Inner>>);

#[derive(Debug, Default)]
struct Inner {
    objects: BTreeMap<String, String>,
    /// The error of every call.
    refusal: Option<&'static str>,
    reads: usize,
}

impl PolicyBucket {
    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn put(&self, key: &str, text: &str) {
        self.lock().objects.insert(key.to_owned(), text.to_owned());
    }

    pub fn get(&self, key: &str) -> Option<String> {
        self.lock().objects.get(key).cloned()
    }

    pub fn clear(&self) {
        self.lock().objects.clear();
    }

    /// Refuses every call with this code from now on, or none.
    pub fn refuse(&self, code: Option<&'static str>) {
        self.lock().refusal = code;
    }

    /// Returns the number of reads since it was last asked for.
    pub fn take_reads(&self) -> usize {
        std::mem::take(&mut self.lock().reads)
    }
}

impl Fetch for PolicyBucket {
    async fn fetch(&self, key: &str, unless: Option<&str>) -> Result<Fetched, CallError> {
        let mut inner = self.lock();
        inner.reads += 1;
        let refused =
            |code: &str| CallError { call: "GetObject", code: Some(code.to_owned()), message: "refused".to_owned(), source: None };
        if let Some(code) = inner.refusal {
            return Err(refused(code));
        }
        let text = inner.objects.get(key).cloned().ok_or_else(|| refused("NoSuchKey"))?;
        // The ETag of an object changes with its content.
        let etag = format!("\"{:x}\"", text.bytes().fold(7_u64, |hash, byte| hash.wrapping_mul(31).wrapping_add(byte.into())));
        Ok(if unless == Some(etag.as_str()) { Fetched::Unchanged } else { Fetched::New { etag, text } })
    }
}
