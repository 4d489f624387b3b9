//! A request in Cedar's terms. Only the entities that the request needs are built, so the time of a decision does not depend on
//! the number of accounts in the groups.

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    sync::LazyLock,
};

use cedar_policy::{Context, Entities, Entity, EntityId, EntityTypeName, EntityUid, Request, RestrictedExpression as Value, Schema};

use crate::{
    model::{facts::Facts, service::Service},
    policy::{facts::FACTS, groups::Groups, judgement::MissingFact, names::GroupName},
};

/// The parts of a request that are the same for each action.
pub(super) struct Parts {
    principal: EntityUid,
    resource: EntityUid,
    context: Context,
    pub(super) entities: Entities,
}

/// Builds the parts, or returns Cedar's error message.
pub(super) fn build(facts: &Facts, groups: &Groups, schema: &Schema) -> Result<Result<Parts, String>, MissingFact> {
    let account = facts.connection.owner.as_ref().ok_or(MissingFact::Owner)?;
    facts.connection.created.ok_or(MissingFact::CreationTime)?;
    Ok(assemble(facts, account.as_str(), groups.of(account), schema))
}

fn assemble(facts: &Facts, account: &str, groups: &[GroupName], schema: &Schema) -> Result<Parts, String> {
    let principal = uid("Account", account)?;
    let resource = uid("EndpointService", facts.service.id.as_str())?;
    let service = service(resource.clone(), &facts.service, attributes("resource", facts))?;
    let entities = Entities::from_entities([requester(principal.clone(), facts, groups)?, service], Some(schema));
    let context = Context::from_pairs(record(below("context", facts))?).map_err(|error| error.to_string())?;
    Ok(Parts { principal, resource, context, entities: entities.map_err(|error| error.to_string())? })
}

impl Parts {
    /// Builds the request for an action, or returns Cedar's error message.
    pub(super) fn request(&self, action: &str, schema: &Schema) -> Result<Request, String> {
        let (principal, resource, context) = (self.principal.clone(), self.resource.clone(), self.context.clone());
        Request::new(principal, uid("Action", action)?, resource, context, Some(schema)).map_err(|error| error.to_string())
    }
}

/// The entity types of the schema. Cedar's parser runs once for each of them.
static TYPES: LazyLock<HashMap<&'static str, EntityTypeName>> = LazyLock::new(|| {
    let names = ["Account", "AccountGroup", "Action", "EndpointService", "OrganizationalUnit"];
    names.into_iter().filter_map(|name| Some((name, format!("PrivateLink::{name}").parse().ok()?))).collect()
});

/// Returns the uid of an entity of the schema's namespace.
pub(super) fn uid(kind: &str, id: &str) -> Result<EntityUid, String> {
    let kind = TYPES.get(kind).ok_or_else(|| format!("the schema has no entity type `{kind}`"))?;
    Ok(EntityUid::from_type_name_and_id(kind.clone(), EntityId::new(id)))
}

/// Builds the account, with its groups and units as parents.
fn requester(uid_of: EntityUid, facts: &Facts, groups: &[GroupName]) -> Result<Entity, String> {
    let units = facts.membership.member().into_iter().flat_map(|member| &member.units).map(|unit| uid("OrganizationalUnit", unit));
    let groups = groups.iter().map(|name| uid("AccountGroup", name.as_str()));
    let parents = groups.chain(units).collect::<Result<HashSet<_>, _>>()?;
    Entity::new(uid_of, attributes("principal", facts), parents).map_err(|error| error.to_string())
}

/// Builds the endpoint service with its tags.
pub(super) fn service(uid: EntityUid, service: &Service, attributes: HashMap<String, Value>) -> Result<Entity, String> {
    let tags = service.tags.iter().map(|(key, value)| (key.clone(), Value::new_string(value.clone())));
    Entity::new_with_tags(uid, attributes, HashSet::new(), tags).map_err(|error| error.to_string())
}

/// Returns the known attributes of an entity.
pub(super) fn attributes(variable: &str, facts: &Facts) -> HashMap<String, Value> {
    below(variable, facts).into_iter().filter_map(|(path, value)| Some(((*path.first()?).to_owned(), value))).collect()
}

/// Returns the known values of a variable, by their paths below it.
fn below(variable: &str, facts: &Facts) -> Vec<(&'static [&'static str], Value)> {
    let rows = FACTS.iter().filter(|fact| fact.path.first() == Some(&variable));
    rows.filter_map(|fact| Some((fact.path.get(1..)?, (fact.read)(facts)?))).collect()
}

/// Nests values by their paths.
fn record(values: Vec<(&[&str], Value)>) -> Result<Vec<(String, Value)>, String> {
    let mut records: BTreeMap<String, Vec<(String, Value)>> = BTreeMap::new();
    let mut pairs = Vec::new();
    for (path, value) in values {
        match path {
            [name] => pairs.push(((*name).to_owned(), value)),
            [name, attribute] => records.entry((*name).to_owned()).or_default().push(((*attribute).to_owned(), value)),
            _ => return Err(format!("the table of facts nests deeper than this version builds: {}", path.join("."))),
        }
    }
    for (name, attributes) in records {
        pairs.push((name, Value::new_record(attributes).map_err(|error| error.to_string())?));
    }
    Ok(pairs)
}
