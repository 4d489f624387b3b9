//! `groups.json`: named groups of accounts.

use std::{
    collections::{BTreeSet, HashMap},
    fmt,
};

use serde::{
    Deserialize, Deserializer,
    de::{MapAccess, Visitor},
};

use crate::model::ids::AccountId;
use crate::policy::{
    files::{PolicyFile, Problem},
    names::GroupName,
    size_limits::PROBLEMS_MAX,
};

/// Groups of one account. Each is an entity of every request of the account: with 10,000 of them, a judgement takes half a second.
const GROUPS_OF_ACCOUNT_MAX: usize = 100;
/// Characters of a group's name. It is stored once for each account of the group.
const NAME_CHARACTERS_MAX: usize = 128;

/// The groups of a policy set.
#[derive(Debug, Default)]
pub struct Groups {
    names: BTreeSet<GroupName>,
    by_account: HashMap<AccountId, Vec<GroupName>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Group {
    /// Only for readers of the file.
    #[serde(default, rename = "description")]
    _description: Option<String>,
    accounts: Vec<String>,
}

/// The groups in the order of the file. A map would drop one of two groups with the same name without an error.
struct Listed(Vec<(String, Group)>);

impl<'de> Deserialize<'de> for Listed {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Each;
        impl<'de> Visitor<'de> for Each {
            type Value = Listed;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("groups by their names")
            }

            fn visit_map<M: MapAccess<'de>>(self, mut map: M) -> Result<Listed, M::Error> {
                let mut groups = Vec::new();
                while let Some(group) = map.next_entry()? {
                    groups.push(group);
                }
                Ok(Listed(groups))
            }
        }
        deserializer.deserialize_map(Each)
    }
}

impl Groups {
    /// Parses `groups.json`, or returns its problems.
    pub(super) fn parse(file: &PolicyFile) -> Result<Self, Vec<Problem>> {
        let Listed(read) = serde_json::from_str(&file.text)
            .map_err(|error| vec![file.problem_of_json(&error, format!("not a list of groups: {error}"))])?;
        let mut groups = Self::default();
        let mut problems = Vec::new();
        for (name, group) in read {
            if problems.len() >= PROBLEMS_MAX {
                break;
            }
            if name.chars().count() > NAME_CHARACTERS_MAX {
                problems.push(
                    file.problem_at(&name, format!("a group's name has at most {NAME_CHARACTERS_MAX} characters: use a shorter one")),
                );
                continue;
            }
            if !groups.names.insert(name.clone().into()) {
                problems.push(file.problem_at_last(&format!("\"{name}\""), format!("there are two groups `{name}`: merge them")));
            }
            groups.add(&name, &group.accounts, file, &mut problems);
        }
        if problems.is_empty() { Ok(groups) } else { Err(problems) }
    }

    /// Returns the groups of an account.
    pub(super) fn of(&self, account: &AccountId) -> &[GroupName] {
        self.by_account.get(account).map_or(&[], Vec::as_slice)
    }

    /// Returns the accounts that are in a group.
    pub(super) fn accounts(&self) -> impl Iterator<Item = &AccountId> {
        self.by_account.keys()
    }

    pub(super) fn has(&self, name: &str) -> bool {
        self.names.contains(name)
    }

    pub(super) fn names(&self) -> impl Iterator<Item = &GroupName> {
        self.names.iter()
    }

    fn add(&mut self, name: &str, accounts: &[String], file: &PolicyFile, problems: &mut Vec<Problem>) {
        for text in accounts {
            if problems.len() >= PROBLEMS_MAX {
                return;
            }
            // A closure, because only problems need the text.
            let quoted = || format!("\"{text}\"");
            match text.parse::<AccountId>() {
                Ok(account) => {
                    let of_account = self.by_account.entry(account).or_default();
                    // Groups are added one by one, so a duplicate is always the last one.
                    if of_account.last().is_some_and(|last| last.as_str() == name) {
                        problems.push(file.problem_at_last(&quoted(), format!("group `{name}` lists account `{text}` twice")));
                    } else if of_account.len() >= GROUPS_OF_ACCOUNT_MAX {
                        let message = format!("account `{text}` is in more than {GROUPS_OF_ACCOUNT_MAX} groups: merge groups");
                        problems.push(file.problem_at_last(&quoted(), message));
                    } else {
                        of_account.push(name.into());
                    }
                }
                Err(error) => problems.push(file.problem_at(&quoted(), format!("group `{name}`: {error}"))),
            }
        }
    }
}
