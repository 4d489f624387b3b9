//! Ids in a text of unknown form.

use std::{collections::BTreeSet, str::FromStr, sync::LazyLock};

use regex_lite::Regex;

use crate::{
    model::{
        ids::{AttachmentId, EndpointId, ServiceId},
        subject::Subject,
    },
    trigger::target::{SubjectRef, Target},
};

/// A message with more ids than this is not believed.
const IDS_PER_MESSAGE_MAX: usize = 20;

/// The ids in a text, by their form.
pub(super) struct Ids {
    services: BTreeSet<ServiceId>,
    endpoints: BTreeSet<EndpointId>,
    attachments: BTreeSet<AttachmentId>,
}

impl Ids {
    pub(super) fn of(text: &str) -> Self {
        static SERVICE: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new(r"\bvpce-svc-[0-9a-f]{8,17}\b").ok());
        static ENDPOINT: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new(r"\bvpce-[0-9a-f]{8,17}\b").ok());
        static ATTACHMENT: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new(r"\btgw-attach-[0-9a-f]{8,17}\b").ok());
        Self { services: all(&SERVICE, text), endpoints: all(&ENDPOINT, text), attachments: all(&ATTACHMENT, text) }
    }

    /// Returns true if the text names more ids than a sender of the queue does.
    pub(super) fn are_too_many(&self) -> bool {
        [self.services.len(), self.endpoints.len(), self.attachments.len()].iter().any(|count| *count > IDS_PER_MESSAGE_MAX)
    }

    /// Returns the requests that the ids are about; `None` without ids. Endpoints beside attachments are theirs.
    pub(super) fn target(self) -> Option<Target> {
        let Self { services, endpoints, attachments } = self;
        // With several services it is unknown which subject asks which; EC2 knows.
        let service = if services.len() == 1 { services.first().cloned() } else { None };
        let subject = |subject| SubjectRef { subject, service: service.clone(), region: None, claim: None };
        let subjects: Vec<SubjectRef> = if attachments.is_empty() {
            endpoints.into_iter().map(|id| subject(Subject::Endpoint(id))).collect()
        } else {
            attachments.into_iter().map(|id| subject(Subject::Attachment(id))).collect()
        };
        match (subjects.is_empty(), services.is_empty()) {
            (true, true) => None,
            (true, false) => Some(Target::Services(services.into_iter().collect())),
            (false, _) => Some(Target::Subjects(subjects)),
        }
    }
}

fn all<T: FromStr + Ord>(pattern: &LazyLock<Option<Regex>>, text: &str) -> BTreeSet<T> {
    pattern.iter().flat_map(|regex| regex.find_iter(text)).filter_map(|found| found.as_str().parse().ok()).collect()
}
