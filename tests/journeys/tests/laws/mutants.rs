//! Broken wardens: each has one rule broken, and a law that catches it. A law that catches nothing is no law.

use std::sync::Arc;

use jiff::Timestamp;
use warden::policy::{PolicyFile, PolicySet};

use crate::{
    copy::Copy,
    laws::{self, Law},
    shop::{Bucket, Keeper, RealKeeper},
    wardens::{Lambda, Real, Warden, Work},
};

/// A rule that is broken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Flaw {
    // The real warden, through ports that do what a broken adapter would.
    TrustsTheEventsAccount,
    ComparesStatesWithTheSdkEnum,
    IgnoresUnsuccessful,
    TakesErrorsForSuccess,
    ReadsTheFirstPageOnly,
    AuditsTheFirstPageOnly,
    TakesSilenceForAnOutsider,
    TakesEveryMemberForActive,
    HonoursGrantsPastTheirEnd,
    LosesRecords,
    WritesOverRecords,
    KeepsOneRecordOfEach,
    AuditsWithoutGrants,
    AuditsWithoutRecords,
    AuditsAndTellsNobody,
    TellsOnceAndNeverAgain,
    TellsSomebodyElse,
    DisregardsItsScope,
    ActsThoughItObserves,
    // The real warden with another policy than was written.
    DropsForbids,
    LoadsWhatParses,
    SaysNothingOfABadSet,
    // The copy of the answer loop.
    IgnoresEvaluationErrors,
    LetsAcceptWinOverReject,
    TakesDeniedForRejected,
    CountsWhoWaits,
    ForgetsWhomItLetIn,
    ActsBeforeItLooks,
    RecordsBeforeItActs,
    BelievesAnyRole,
    CutsOffWhoIsConnected,
    TrustsTheShapeOfEvents,
}

/// Each flaw with the law that catches it.
pub const TABLE: &[(Flaw, &str, Law)] = &[
    (Flaw::TrustsTheEventsAccount, "1 safety", laws::safety),
    (Flaw::TakesSilenceForAnOutsider, "1 safety", laws::safety),
    (Flaw::TakesEveryMemberForActive, "1 safety", laws::safety),
    (Flaw::LetsAcceptWinOverReject, "1 safety", laws::safety),
    (Flaw::HonoursGrantsPastTheirEnd, "1 safety", laws::safety),
    (Flaw::DisregardsItsScope, "1 safety", laws::safety),
    (Flaw::ActsThoughItObserves, "1 safety", laws::safety),
    (Flaw::DropsForbids, "1 safety", laws::safety),
    (Flaw::TakesDeniedForRejected, "1 safety", laws::safety),
    (Flaw::ForgetsWhomItLetIn, "1 safety", laws::safety),
    (Flaw::ActsBeforeItLooks, "1 safety", laws::safety),
    (Flaw::BelievesAnyRole, "1 safety", laws::safety),
    (Flaw::CutsOffWhoIsConnected, "1 safety", laws::safety),
    (Flaw::WritesOverRecords, "2 idempotence", laws::idempotence),
    (Flaw::IgnoresEvaluationErrors, "3 forbid only narrows", laws::forbid_only_narrows),
    (Flaw::LoadsWhatParses, "3 forbid only narrows", laws::forbid_only_narrows),
    (Flaw::SaysNothingOfABadSet, "3 forbid only narrows", laws::forbid_only_narrows),
    (Flaw::ComparesStatesWithTheSdkEnum, "4 nothing is lost", laws::nothing_is_lost),
    (Flaw::ReadsTheFirstPageOnly, "4 nothing is lost", laws::nothing_is_lost),
    (Flaw::AuditsTheFirstPageOnly, "4 nothing is lost", laws::nothing_is_lost),
    (Flaw::LosesRecords, "4 nothing is lost", laws::nothing_is_lost),
    (Flaw::AuditsAndTellsNobody, "4 nothing is lost", laws::nothing_is_lost),
    (Flaw::TellsOnceAndNeverAgain, "4 nothing is lost", laws::nothing_is_lost),
    (Flaw::TellsSomebodyElse, "4 nothing is lost", laws::nothing_is_lost),
    (Flaw::CountsWhoWaits, "4 nothing is lost", laws::nothing_is_lost),
    (Flaw::KeepsOneRecordOfEach, "5 silence", laws::silence),
    (Flaw::AuditsWithoutGrants, "5 silence", laws::silence),
    (Flaw::AuditsWithoutRecords, "5 silence", laws::silence),
    (Flaw::TrustsTheShapeOfEvents, "6 totality", laws::totality),
    (Flaw::IgnoresUnsuccessful, "7 partial success", laws::partial_success),
    (Flaw::TakesErrorsForSuccess, "7 partial success", laws::partial_success),
    (Flaw::RecordsBeforeItActs, "7 partial success", laws::partial_success),
];

/// A warden with a flaw.
pub struct Broken(pub Flaw);

impl Broken {
    fn is_a_copy(&self) -> bool {
        matches!(
            self.0,
            Flaw::IgnoresEvaluationErrors
                | Flaw::LetsAcceptWinOverReject
                | Flaw::TakesDeniedForRejected
                | Flaw::CountsWhoWaits
                | Flaw::ForgetsWhomItLetIn
                | Flaw::ActsBeforeItLooks
                | Flaw::RecordsBeforeItActs
                | Flaw::BelievesAnyRole
                | Flaw::CutsOffWhoIsConnected
                | Flaw::TrustsTheShapeOfEvents
        )
    }
}

impl Warden for Broken {
    fn flaw(&self) -> Option<Flaw> {
        Some(self.0)
    }

    fn load(&self, files: &[PolicyFile]) -> Result<PolicySet, String> {
        if self.0 != Flaw::DropsForbids {
            return Real.load(files);
        }
        let tokens = |text: &str| text.lines().filter(|line| !line.contains(" forbid (")).collect::<Vec<_>>().join("\n");
        let never = "\n@id(\"never\") permit (principal, action, resource) when { false };";
        let without = |file: &PolicyFile| match file.name.as_str() {
            "rules.cedar" => PolicyFile { text: tokens(&file.text) + never, ..file.clone() },
            _ => file.clone(),
        };
        Real.load(&files.iter().map(without).collect::<Vec<_>>())
    }

    fn keeper(&self, bucket: Bucket) -> Box<dyn Keeper> {
        let keeper = RealKeeper { bucket, source: None };
        Box::new(BrokenKeeper { keeper, flaw: self.0 })
    }

    fn approve(&self, lambda: Lambda, event: Vec<u8>) -> Work<Result<(), String>> {
        if !self.is_a_copy() {
            return Real.approve(lambda, event);
        }
        let flaw = Some(self.0);
        Box::pin(async move { Copy { lambda, flaw }.answer(&event).await })
    }
}

/// The copy with no flaw: what catches the others is not that they are copies.
pub struct Sound;

impl Warden for Sound {
    fn approve(&self, lambda: Lambda, event: Vec<u8>) -> Work<Result<(), String>> {
        Box::pin(async move { Copy { lambda, flaw: None }.answer(&event).await })
    }
}

struct BrokenKeeper {
    keeper: RealKeeper,
    flaw: Flaw,
}

impl Keeper for BrokenKeeper {
    fn current(&mut self, now: Timestamp) -> (Option<Arc<PolicySet>>, bool) {
        let (policy, loud) = self.keeper.current(now);
        match self.flaw {
            Flaw::SaysNothingOfABadSet => (policy, false),
            Flaw::LoadsWhatParses if loud => {
                let sound = |file: &PolicyFile| !file.name.ends_with(".cedar") || file.text.parse::<cedar_policy::PolicySet>().is_ok();
                let files: Vec<PolicyFile> = self.keeper.bucket.files().into_iter().flatten().filter(sound).collect();
                (Real.load(&files).ok().map(Arc::new).or(policy), loud)
            }
            _ => (policy, loud),
        }
    }
}
