//! Reads: single entities, links, searches, walks, downloads.

use std::{fmt::Write as _, sync::Arc};

use registry_core::{EntityType, service::SearchRequest};

use super::Generator;
use crate::step::{Op, Step};

impl Generator {
    pub(super) fn request(&mut self, of: &[Arc<EntityType>]) -> SearchRequest {
        let mut request = SearchRequest {
            type_names: of.iter().map(|one| one.name.clone()).collect(),
            ..SearchRequest::default()
        };
        self.conditions(of, &mut request);
        request.limit = Some(self.limit(9));
        if self.draw.once_in(2) {
            request.count = Some("exact".to_owned());
        }
        if let [one] = of {
            if self.draw.once_in(5) {
                let links: Vec<String> = one.live_links().map(|link| link.name.clone()).collect();
                let back: Vec<String> = self
                    .view
                    .catalog
                    .incoming(one.id)
                    .map(|one| one.link.inverse.clone())
                    .collect();
                let names = self.draw.some(&[links, back].concat(), 2);
                if !names.is_empty() && names.len() <= 5 {
                    request.expand = Some(names.join(","));
                }
            }
            if self.draw.once_in(8) {
                request.select = self.field_of(one).map(|field| field.name);
            }
        }
        request
    }

    fn conditions(&mut self, of: &[Arc<EntityType>], request: &mut SearchRequest) {
        if let Some(one) = self.draw.any(of).cloned() {
            if !self.draw.once_in(4) {
                request.filter = Some(self.filter(&one, 3));
            }
            if self.draw.once_in(8) {
                request.fields = self.fields_parameter(&one);
            }
            if self.draw.once_in(8) {
                request.links = Some(self.links_parameter(&one));
            }
        }
        if self.draw.once_in(12) {
            let ids: Vec<String> = (0..4).map(|_| self.target().1.to_string()).collect();
            request.uuids = Some(ids.join(","));
        }
        request.sort = self.sort(of);
    }

    /// One type, now and then several, or all.
    fn looked_in(&mut self) -> Vec<Arc<EntityType>> {
        let types = self.view.catalog.types().to_vec();
        match self.draw.below(8) {
            0 => Vec::new(),
            1 => self.draw.some(&types, 2),
            _ => self.entity_type().into_iter().collect(),
        }
    }

    pub(super) fn read(&mut self) -> Op {
        match self.draw.below(16) {
            0 => {
                let (of, id) = self.target();
                Op::Get { of, id }
            }
            1 => self.by_key(),
            2 => {
                let (of, id) = self.target();
                Op::Links { of, id }
            }
            3 | 4 => self.linked(),
            5 => {
                let (of, id) = self.target();
                Op::Graph {
                    of,
                    id,
                    depth: 1 + self.draw.below(4) as u64,
                    limit: 1 + self.draw.below(20) as u64,
                }
            }
            6 => self.download(),
            7 => Op::ListTypes,
            _ => {
                let of = self.looked_in();
                Op::Search(self.request(&of))
            }
        }
    }

    fn by_key(&mut self) -> Op {
        let entity = self.draw.any(&self.view.entities).cloned();
        let of = entity
            .as_ref()
            .and_then(|one| self.view.catalog.by_id(one.type_id).cloned());
        let (Some(entity), Some(of)) = (entity, of) else {
            return Op::ListTypes;
        };
        let keys: Vec<_> = of.all_keys().collect();
        let Some(key) = self.draw.any(&keys).cloned() else {
            return Op::ListTypes;
        };
        let parts: Vec<String> = key
            .fields
            .iter()
            .map(|number| {
                let field = of.field(*number).unwrap();
                let text = match entity.data.get(number) {
                    Some(registry_core::Datum::One(value)) => field.kind.cell(value),
                    _ => "a".to_owned(),
                };
                let bytes = text.bytes();
                bytes.fold(String::new(), |mut text, byte| {
                    write!(text, "%{byte:02x}").unwrap();
                    text
                })
            })
            .collect();
        Op::ByKey {
            of: of.name.clone(),
            key: key.name,
            value: parts.join(","),
        }
    }

    fn linked(&mut self) -> Op {
        let (of, id) = self.target();
        let known = self.view.catalog.by_name(&of).cloned();
        let Some(known) = known else {
            return Op::ListTypes;
        };
        let catalog = Arc::clone(&self.view.catalog);
        let out = known.live_links().map(|link| {
            let far = catalog.targets(link).into_iter().cloned().collect();
            (link.name.clone(), far)
        });
        let back = catalog
            .incoming(known.id)
            .map(|one| (one.link.inverse.clone(), vec![Arc::clone(one.holder)]));
        let hops: Vec<(String, Vec<Arc<EntityType>>)> = out.chain(back).collect();
        let Some((link, far)) = self.draw.any(&hops).cloned() else {
            return Op::Links { of, id };
        };
        let mut request = SearchRequest::default();
        if self.draw.once_in(2) {
            self.conditions(&far, &mut request);
        }
        request.limit = Some(self.limit(5));
        request.count = Some("exact".to_owned());
        Op::Linked {
            of,
            id,
            link,
            request,
        }
    }

    fn download(&mut self) -> Op {
        let Some(of) = self.entity_type() else {
            return Op::ListTypes;
        };
        let mut search = SearchRequest::default();
        if self.draw.once_in(2) {
            self.conditions(&[Arc::clone(&of)], &mut search);
        }
        let format = self.draw.text(&["csv", "ndjson", "json"]);
        let null = (format == "csv" && self.draw.once_in(2)).then(|| "NIL".to_owned());
        Op::Download {
            of: of.name.clone(),
            format,
            null,
            search,
        }
    }

    /// A walk over small pages, with writes between them.
    pub(super) fn walk(&mut self) -> Op {
        let of = self.looked_in();
        let mut request = self.request(&of);
        request.expand = None;
        if self.draw.once_in(2) {
            request.filter = None;
        }
        request.fields = None;
        request.links = None;
        request.uuids = None;
        request.limit = Some(self.limit(3));
        let between = (0..self.draw.below(6))
            .map(|_| {
                let op = match self.draw.below(8) {
                    0 | 1 => self.create(),
                    2 => self.delete(),
                    3 => self.link_or_unlink(),
                    4 => self.put(),
                    _ => self.patch(),
                };
                let who = self.writer();
                Step { who, op }
            })
            .collect();
        Op::Walk { request, between }
    }
}
