//! What makes a store this one.

use crate::Harness;

pub async fn a_store_answers_when_it_can_be_read(harness: impl Harness) {
    let subject = harness.open().await;
    subject.store.ping().await.unwrap();
}

pub async fn secret_and_epoch_are_the_same_on_every_handle(harness: impl Harness) {
    let (one, other) = (harness.open().await, harness.open().await);
    let secret = one.store.secret().await.unwrap();
    assert_eq!(other.store.secret().await.unwrap(), secret);
    assert_eq!(one.store.secret().await.unwrap(), secret);
    let epoch = one.store.epoch().await.unwrap();
    assert_eq!(other.store.epoch().await.unwrap(), epoch);
}

pub async fn every_store_has_a_secret_and_an_epoch_of_its_own<H: Harness>(one: H) {
    let other = H::default();
    let (one, other) = (one.open().await, other.open().await);
    let secret = one.store.secret().await.unwrap();
    assert_ne!(secret, [0; 32]);
    assert_ne!(other.store.secret().await.unwrap(), secret);
    let epoch = one.store.epoch().await.unwrap();
    assert_ne!(other.store.epoch().await.unwrap(), epoch);
}
