//! Mutants: wardens with one flaw each, in a port or in their data. A law that catches no mutant proves nothing.

use warden::policy::{PolicyFile, PolicySet};

use crate::laws::{self, Law};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Flaw {
    // Events. The fuzz tests catch the second.
    TrustsTheEventsOwner,
    TrustsTheEventsShape,
    // Adapters.
    AssumesOmittedFacts,
    ReadsStatesWithTheSdkEnum,
    ReadsConnectedAsPending,
    IgnoresUnsuccessful,
    TakesErrorsForSuccess,
    ReadsTheFirstPageOnly,
    AuditsTheFirstPageOnly,
    TakesNoAnswerForOutside,
    TakesEveryMemberForActive,
    IgnoresTheEndOfGrants,
    IgnoresRefusals,
    IgnoresHolds,
    IgnoresVersions,
    IgnoresDecisions,
    DropsIntents,
    ForgetsRecentActs,
    ForgetsWhatWasTold,
    LosesRecords,
    OverwritesRecords,
    KeepsOneRecordPerEndpoint,
    LosesHints,
    AuditsWithoutGrants,
    AuditsWithoutRecords,
    AuditsWithoutTelling,
    NeverRetriesMessages,
    TellsTheDefaultTopic,
    // Configuration.
    IgnoresTheScope,
    ActsInObserveMode,
    ActsOnObservedServices,
    // The policy set.
    DropsForbids,
    DropsRejections,
    DropsFailingPolicies,
    RejectsByDefault,
    LoadsTheValidFiles,
    HidesInvalidSets,
}

/// Each flaw with the law that catches it. `cap_counts_what_ec2_does_not_list_yet` catches `ForgetsRecentActs`.
pub const TABLE: &[(Flaw, &str, Law)] = &[
    (Flaw::TrustsTheEventsOwner, "1 safety", laws::safety),
    (Flaw::AssumesOmittedFacts, "1 safety", laws::safety),
    (Flaw::ReadsConnectedAsPending, "1 safety", laws::safety),
    (Flaw::TakesNoAnswerForOutside, "1 safety", laws::safety),
    (Flaw::TakesEveryMemberForActive, "1 safety", laws::safety),
    (Flaw::IgnoresTheEndOfGrants, "1 safety", laws::safety),
    (Flaw::IgnoresTheScope, "1 safety", laws::safety),
    (Flaw::ActsInObserveMode, "1 safety", laws::safety),
    (Flaw::ActsOnObservedServices, "1 safety", laws::safety),
    (Flaw::DropsForbids, "1 safety", laws::safety),
    (Flaw::DropsRejections, "1 safety", laws::safety),
    (Flaw::RejectsByDefault, "1 safety", laws::safety),
    (Flaw::ForgetsWhatWasTold, "2 idempotence", laws::idempotence),
    (Flaw::IgnoresVersions, "2 idempotence", laws::acts_are_recorded_once),
    (Flaw::DropsFailingPolicies, "3 forbid only narrows", laws::forbid_only_narrows),
    (Flaw::LoadsTheValidFiles, "3 forbid only narrows", laws::forbid_only_narrows),
    (Flaw::HidesInvalidSets, "3 forbid only narrows", laws::forbid_only_narrows),
    (Flaw::ReadsStatesWithTheSdkEnum, "4 nothing is lost", laws::nothing_is_lost),
    (Flaw::ReadsTheFirstPageOnly, "4 nothing is lost", laws::nothing_is_lost),
    (Flaw::AuditsTheFirstPageOnly, "4 nothing is lost", laws::nothing_is_lost),
    (Flaw::DropsIntents, "4 nothing is lost", laws::nothing_is_lost),
    (Flaw::LosesHints, "4 nothing is lost", laws::nothing_is_lost),
    (Flaw::LosesRecords, "4 nothing is lost", laws::nothing_is_lost),
    (Flaw::OverwritesRecords, "4 nothing is lost", laws::nothing_is_lost),
    (Flaw::AuditsWithoutTelling, "4 nothing is lost", laws::nothing_is_lost),
    (Flaw::NeverRetriesMessages, "4 nothing is lost", laws::nothing_is_lost),
    (Flaw::TellsTheDefaultTopic, "4 nothing is lost", laws::nothing_is_lost),
    (Flaw::KeepsOneRecordPerEndpoint, "5 silence", laws::silence),
    (Flaw::AuditsWithoutGrants, "5 silence", laws::silence),
    (Flaw::AuditsWithoutRecords, "5 silence", laws::silence),
    (Flaw::IgnoresUnsuccessful, "7 partial success", laws::partial_success),
    (Flaw::TakesErrorsForSuccess, "7 partial success", laws::partial_success),
    (Flaw::ForgetsRecentActs, "8 caps", laws::caps_are_kept),
    (Flaw::ForgetsWhatWasTold, "9 fairness", laws::fairness),
    (Flaw::IgnoresRefusals, "10 people", laws::people_are_heeded),
    (Flaw::IgnoresDecisions, "10 people", laws::people_are_heeded),
    (Flaw::IgnoresHolds, "10 people", laws::people_are_heeded),
];

/// The policy set that a warden with this flaw loads from some files.
pub fn load(flaw: Option<Flaw>, files: &[PolicyFile]) -> Result<PolicySet, String> {
    let changed = |file: &PolicyFile| match file.name.as_str() {
        "policies.cedar" => PolicyFile { text: mutate(flaw, &file.text), ..file.clone() },
        _ => file.clone(),
    };
    let files: Vec<PolicyFile> = files.iter().map(changed).collect();
    PolicySet::of_files(&files, "the set").map_err(|errors| errors.to_string())
}

fn mutate(flaw: Option<Flaw>, policies: &str) -> String {
    const NEVER: &str = "\n@id(\"never\") permit (principal, action, resource) when { false };";
    let without = |part: &str| policies.lines().filter(|line| !line.contains(part)).collect::<Vec<_>>().join("\n") + NEVER;
    match flaw {
        Some(Flaw::DropsForbids) => without(" forbid ("),
        Some(Flaw::DropsRejections) => without("Action::\"Reject\""),
        // The number with which a policy fails.
        Some(Flaw::DropsFailingPolicies) => without("ofService + 922"),
        Some(Flaw::RejectsByDefault) => {
            format!("{policies}\n@id(\"default\") permit (principal, action == PrivateLink::Action::\"Reject\", resource);")
        }
        _ => policies.to_owned(),
    }
}
