//! `warden grants`: what people granted.

use std::collections::BTreeMap;

use jiff::{Timestamp, tz::TimeZone};
use warden::{
    aws::dynamodb::About,
    decision::grant::{Grant, Grantee},
    model::{
        connection::{Connection, Phase},
        ids::AccountId,
        subject::Subject,
    },
    ports::{ConnectionFilter, Describe},
};

use crate::{
    arguments::GrantFilter,
    aws::Aws,
    error::{CliError, Outcome},
    output::Rows,
    wording::{local, minute, person},
};

pub(crate) async fn grants(aws: &Aws, filter: &GrantFilter) -> Result<Outcome, CliError> {
    let ledger = aws.ledger()?;
    let (grants, unreadable) = ledger.grants_on(filter.service.as_ref()).await?;
    let connections = match &filter.service {
        Some(service) => aws.ec2.connections(ConnectionFilter::Service(service)).await?,
        None => aws.ec2.connections(ConnectionFilter::All).await?,
    };
    let mut known = World { connections, owners: BTreeMap::new(), now: Timestamp::now() };
    if grants.iter().any(|grant| known.account(grant).is_none()) {
        // EC2 forgets endpoints: then the records tell which account had one.
        let about = About { service: filter.service.clone(), ..About::default() };
        let (records, _) = ledger.decisions_about(&about).await?;
        known.owners = records.iter().filter_map(|record| Some((record.subject().clone(), record.account()?.clone()))).collect();
    }
    let mut rows = Rows::new(&["grant", "account", "endpoints", "at", "until", "local until", "state", "by", "ended"]);
    grants.iter().filter(|grant| known.selects(filter, grant)).for_each(|grant| rows.push(known.row(grant).each_ref().map(String::as_str)));
    rows.write(aws.common.output, "The ledger has no such grant.");
    unreadable.iter().for_each(|what| eprintln!("unreadable: {what}"));
    Ok(Outcome::Clean)
}

/// What EC2 and the ledger's records say of endpoints.
struct World {
    connections: Vec<Connection>,
    owners: BTreeMap<Subject, AccountId>,
    now: Timestamp,
}

impl World {
    /// The account of a grant, if it is known.
    fn account<'a>(&'a self, grant: &'a Grant) -> Option<&'a AccountId> {
        match &grant.to {
            Grantee::Account(account) => Some(account),
            Grantee::Subject(subject) => {
                let described = self.connections.iter().find(|one| one.subject == *subject).and_then(|one| one.owner.as_ref());
                described.or_else(|| self.owners.get(subject))
            }
        }
    }

    /// The number of endpoints that are connected, or about to be, and that a grant is about.
    fn endpoints(&self, grant: &Grant) -> usize {
        self.connections.iter().filter(|one| grant.applies_to(one) && one.state.phase() != Phase::Gone).count()
    }

    fn selects(&self, filter: &GrantFilter, grant: &Grant) -> bool {
        let ender = grant.ended.as_ref().map(|ended| ended.by.as_str());
        let names = |part: &String| [Some(grant.by.as_str()), ender].into_iter().flatten().any(|by| contains(by, part));
        filter.service.as_ref().is_none_or(|service| grant.service == *service)
            && filter.account.as_ref().is_none_or(|account| self.account(grant) == Some(account))
            && filter.person.as_ref().is_none_or(names)
            && (!filter.unused || (grant.holds(self.now) && self.endpoints(grant) == 0))
    }

    fn row(&self, grant: &Grant) -> [String; 9] {
        let state = match &grant.ended {
            _ if grant.holds(self.now) => "valid",
            Some(ended) if grant.until.is_none_or(|until| ended.at < until) => "ended",
            Some(_) | None => "expired",
        };
        let ended = grant.ended.as_ref().map(|ended| format!("{} by {}", minute(ended.at), person(&ended.by, &ended.reason)));
        [
            grant.id().to_string(),
            self.account(grant).map_or_else(|| "unknown".to_owned(), ToString::to_string),
            self.endpoints(grant).to_string(),
            grant.at.to_string(),
            grant.until.map(|until| until.to_string()).unwrap_or_default(),
            grant.until.map(|until| local(until, TimeZone::system()).unwrap_or_else(|| minute(until))).unwrap_or_default(),
            state.to_owned(),
            person(&grant.by, &grant.reason),
            ended.unwrap_or_default(),
        ]
    }
}

/// Returns true if a name contains a part of it, in any case.
fn contains(name: &str, part: &str) -> bool {
    name.to_lowercase().contains(&part.to_lowercase())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const SERVICE: &str = "vpce-svc-03d5ebb7d9579a2b3";

    fn grant(to: &serde_json::Value, more: &serde_json::Value) -> Grant {
        let mut grant = json!({
            "schema": 2, "service": SERVICE, "to": to, "by": "arn:aws:iam::123456789012:user/Ana", "reason": "r\u{e9}dis", "at": "2026-06-01T12:00:00Z",
        });
        grant.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        serde_json::from_value(grant).unwrap()
    }

    fn world() -> World {
        let connection = |id: &str, owner: &str, state: &str| {
            serde_json::from_value(json!({"service": SERVICE, "subject": id, "owner": owner, "state": state})).unwrap()
        };
        World {
            connections: vec![
                connection("vpce-00000000000000001", "111122223333", "available"),
                connection("vpce-00000000000000002", "111122223333", "deleted"),
            ],
            owners: [("vpce-00000000000000003".parse().unwrap(), "444455556666".parse().unwrap())].into(),
            now: "2026-06-10T12:00:00Z".parse().unwrap(),
        }
    }

    fn grants() -> [Grant; 4] {
        let ended = json!({"ended": {"by": "kim", "reason": "over", "at": "2026-06-05T12:00:00Z"}, "until": "2026-07-01T12:00:00Z"});
        [
            grant(&json!({"account": "111122223333"}), &json!({})),
            grant(&json!({"account": "444455556666"}), &json!({"until": "2026-06-20T12:00:00Z"})),
            grant(&json!({"subject": "vpce-00000000000000003"}), &ended),
            grant(&json!({"subject": "vpce-00000000000000002"}), &json!({"until": "2026-06-05T12:00:00Z"})),
        ]
    }

    fn selected(filter: &GrantFilter) -> Vec<usize> {
        let (world, grants) = (world(), grants());
        (0..grants.len()).filter(|n| world.selects(filter, &grants[*n])).collect()
    }

    fn all() -> GrantFilter {
        GrantFilter { service: None, account: None, person: None, unused: false }
    }

    #[test]
    fn filters_select_by_service_account_person() {
        assert_eq!(selected(&all()), [0, 1, 2, 3]);
        assert_eq!(selected(&GrantFilter { service: Some("vpce-svc-03d5ebb7d9579a2b4".parse().unwrap()), ..all() }), [0; 0]);
        assert_eq!(selected(&GrantFilter { account: Some("444455556666".parse().unwrap()), ..all() }), [1, 2], "records name the account");
        assert_eq!(selected(&GrantFilter { person: Some("kim".to_owned()), ..all() }), [2]);
        assert_eq!(selected(&GrantFilter { person: Some("user/ana".to_owned()), ..all() }), [0, 1, 2, 3]);
    }

    #[test]
    fn valid_grant_without_endpoint_is_unused() {
        assert_eq!(selected(&GrantFilter { unused: true, ..all() }), [1]);
    }

    #[test]
    fn rows_show_ends_and_who_ended() {
        let states: Vec<[String; 9]> = grants().iter().map(|grant| world().row(grant)).collect();
        let column = |at: usize| states.iter().map(|row| row[at].as_str()).collect::<Vec<_>>();
        assert_eq!(column(6), ["valid", "valid", "ended", "expired"]);
        assert_eq!(column(2), ["1", "0", "0", "0"]);
        assert_eq!(column(8)[2], "2026-06-05 12:00 UTC by kim: over");
        assert!(column(7)[0].ends_with(": rédis") && column(0)[0] == "vpce-svc-03d5ebb7d9579a2b3/111122223333", "{states:?}");
        assert_eq!(column(4)[2], "2026-07-01T12:00:00Z", "the end that it had");
    }
}
