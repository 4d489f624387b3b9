//! One run: read and judge, publish the changes, store the report.

use jiff::Timestamp;
use warden::{
    audit::usage::known_since,
    deadline::Deadline,
    ledger::digest::RunInfo,
    ports::{CallError, Directory, Findings, History, Inventory, ReportStore},
};

use crate::{
    audit::Audit,
    publish::Publication,
    report::{Closing, File, Report, ReportHeader},
    state::RunState,
    summary::Summary,
    unseen::Unseen,
};

/// The reason why a run failed.
#[derive(Debug, thiserror::Error)]
pub enum AuditError {
    /// The report could not be written to a local file.
    #[error("the report could not be written")]
    Write(#[from] std::io::Error),
    /// The report could not be stored.
    #[error("the report could not be stored at {location}")]
    Store {
        /// The location of the file that could not be stored.
        location: String,
        /// The failed call.
        #[source]
        source: CallError,
    },
}

impl AuditError {
    /// A stable name, which alarms count.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Write(_) => "ReportNotWritten",
            Self::Store { .. } => "ReportNotKept",
        }
    }
}

impl<I: Inventory + Sync, L: History + Findings + Sync, R: ReportStore + Sync, D: Directory + Sync> Audit<I, L, R, D> {
    /// Audits once. `id` names the run. A repeated run has the same id.
    ///
    /// # Errors
    /// Fails if the report could not be written or stored.
    pub async fn run(&self, id: &str, deadline: Deadline) -> Result<Summary, AuditError> {
        let now = (self.clock)();
        let folder = format!("audits/{}/{id}", now.strftime("%Y/%m/%d"));
        let mut unseen = Unseen::default();
        let stored = unseen.read("the open findings could not be read, so this run publishes nothing", self.ledger.stored().await);
        let publishes = stored.is_some();
        let stored = stored.unwrap_or_default();
        for id in &stored.unreadable {
            unseen.add(format!("this version cannot read the open finding {id} and keeps it as it is"));
        }
        let known_since = known_since(&stored.known_since, &self.policy, now);
        let report = Report::begin(self.header(id, now))?;
        let mut state = RunState::new(now, deadline, unseen, &stored, known_since, report);
        self.judge_services(&mut state).await?;
        self.judge_usage(&mut state)?;
        state.add_unchecked()?;
        state.keep_unread_allowed();
        let location = self.reports.location(&format!("{folder}/report.html"));
        let closing = self.close(&mut state, id, location, publishes).await;
        self.store(state.report.finish(&closing)?, &folder).await?;
        Ok(closing.summary)
    }

    fn header(&self, id: &str, now: Timestamp) -> ReportHeader {
        ReportHeader {
            run: id.to_owned(),
            at: now,
            region: self.thresholds.region.clone(),
            mode: self.thresholds.mode,
            policies: self.policy.len(),
            policy_digest: self.policy.digest().to_owned(),
            function_version: self.function_version.clone(),
        }
    }

    /// Publishes the changes, and completes the summary.
    async fn close(&self, state: &mut RunState<'_>, id: &str, report: String, publishes: bool) -> Closing {
        let unseen = std::mem::take(&mut state.unseen).into_list();
        let run = RunInfo {
            id: id.to_owned(),
            at: state.now,
            region: self.thresholds.region.clone(),
            report: Some(report.clone()),
            unseen,
            policy_digest: self.policy.digest().to_owned(),
        };
        let Publication { totals, resolved, problems } =
            if publishes { self.publish_and_remember(state, &run).await } else { Publication::default() };
        let summary = Summary {
            opened: totals.opened,
            worsened: totals.worsened,
            resolved: totals.resolved,
            unseen: [run.unseen, problems].concat(),
            report,
            ..std::mem::take(&mut state.summary)
        };
        Closing { summary, resolved, first: state.known_before.policy_set.is_none() }
    }

    async fn publish_and_remember(&self, state: &mut RunState<'_>, run: &RunInfo) -> Publication {
        let mut publication = self.publish(std::mem::take(&mut state.found), &state.coverage, run).await;
        if let Err(error) = self.ledger.store_known_since(&state.known_since).await {
            let message = &error.message;
            tracing::warn!(error = &error as &dyn std::error::Error, message, "the ages of the policies were not stored");
            publication.problems.push(format!("the ages of the policies could not be stored ({error})"));
        }
        publication
    }

    async fn store(&self, files: Vec<File>, folder: &str) -> Result<(), AuditError> {
        for file in files {
            let name = format!("{folder}/{}", file.name);
            let stored = self.reports.store(&name, file.content_type, file.content.path()).await;
            stored.map_err(|source| AuditError::Store { location: self.reports.location(&name), source })?;
        }
        Ok(())
    }
}
