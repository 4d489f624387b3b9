//! Time limits that are over: such a rule does nothing any more, and still looks as if it did.
//!
//! Only the plain form is looked for, `context.now` against a date in a `when` that must hold. What is put otherwise is
//! found by a proof.

use cedar_policy::Effect;
use jiff::{
    Timestamp,
    civil::{Date, Time},
    tz::TimeZone,
};
use serde_json::Value;

use crate::policy::{
    files::{PolicyFile, Problem},
    residual::conjuncts,
};

/// Names every rule whose time is over, where it says so.
#[must_use]
pub fn over(files: &[PolicyFile], now: Timestamp) -> Vec<Problem> {
    let mut over: Vec<Problem> = files.iter().flat_map(|file| of_file(file, now)).collect();
    over.sort_by(|a, b| (&a.file, a.line).cmp(&(&b.file, b.line)));
    over
}

fn of_file(file: &PolicyFile, now: Timestamp) -> Vec<Problem> {
    // What is no policy file has no policies.
    let set: cedar_policy::PolicySet = file.text.parse().unwrap_or_default();
    set.policies().filter_map(|policy| of_policy(file, policy, now)).collect()
}

fn of_policy(file: &PolicyFile, policy: &cedar_policy::Policy, now: Timestamp) -> Option<Problem> {
    let json = policy.to_json().ok()?;
    let conditions = json.get("conditions").and_then(Value::as_array)?;
    let whens = conditions.iter().filter(|condition| condition.get("kind").and_then(Value::as_str) == Some("when"));
    let parts = whens.filter_map(|condition| condition.get("body")).flat_map(conjuncts);
    let date = parts.filter_map(limit).find(|date| moment(date).is_some_and(|end| end < now))?;
    let nobody = match policy.effect() {
        Effect::Permit => "lets nobody in",
        Effect::Forbid => "holds nobody back",
    };
    let id = policy.annotation("id").unwrap_or_default();
    let message = format!("`{id}` {nobody} any more, its time ended on {date}: delete the rule, or give it a later date");
    Some(file.problem_within(&policy.to_cedar()?, &format!("\"{date}\""), message))
}

/// The date before which a condition wants `context.now` to be.
fn limit(condition: &Value) -> Option<&str> {
    let sides = |operator: &str, early: &str, late: &str| {
        let both = condition.get(operator)?;
        Some((both.get(early)?, both.get(late)?))
    };
    let compared = [("<", "left", "right"), ("<=", "left", "right"), (">", "right", "left"), (">=", "right", "left")];
    let (early, late) = compared.iter().find_map(|(operator, early, late)| sides(operator, early, late))?;
    let is_now = early.pointer("/./attr")? == "now" && early.pointer("/./left/Var")? == "context";
    is_now.then_some(late.pointer("/datetime/0/Value")?.as_str()?)
}

/// Cedar's dates: a day, or a time with its offset.
fn moment(text: &str) -> Option<Timestamp> {
    let day = |date: Date| TimeZone::UTC.to_timestamp(date.to_datetime(Time::midnight())).ok();
    text.parse().ok().or_else(|| text.parse().ok().and_then(day))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn over_at(now: &str, condition: &str) -> Vec<(usize, String)> {
        let text = format!(
            "@id(\"open\") permit (principal, action, resource);\n@id(\"limited\")\npermit (principal, action, resource) when {{\n  {condition}\n}};\n"
        );
        let problems = over(&[PolicyFile { name: "p.cedar".into(), text }], now.parse().unwrap());
        problems.into_iter().map(|problem| (problem.line, problem.message)).collect()
    }

    #[test]
    fn a_rule_whose_time_is_over_is_named_on_its_line() {
        for condition in [
            r#"context.now < datetime("2026-06-01")"#,
            r#"context.now <= datetime("2026-06-01T00:00:00Z") && resource.kind == "Interface""#,
            r#"datetime("2026-06-01T02:00:00+0200") > context.now"#,
            r#"resource.kind == "Interface" && datetime("2026-06-01T00:00:00.000Z") >= context.now"#,
        ] {
            let found = over_at("2026-06-01T00:00:01Z", condition);
            assert!(
                matches!(found.as_slice(), [(4, message)] if message.contains("its time ended on 2026-06-01")),
                "{condition}: {found:?}"
            );
            assert_eq!(over_at("2026-05-31T23:59:59Z", condition), [], "{condition}");
        }
    }

    #[test]
    fn what_begins_or_may_be_otherwise_is_no_limit() {
        for condition in [
            r#"context.now > datetime("2020-01-01")"#,
            r#"context.requestedAt < datetime("2020-01-01")"#,
            r#"context.now < datetime("2020-01-01") || resource.kind == "Interface""#,
            r#"!(context.now < datetime("2020-01-01"))"#,
        ] {
            assert_eq!(over_at("2026-06-01T00:00:00Z", condition), [], "{condition}");
        }
    }
}
