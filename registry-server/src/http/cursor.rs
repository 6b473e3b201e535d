//! Cursors of the lists that are not of entities: opaque, authenticated with the store's key, bound to their list and its parameters.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use super::{app::App, problem::Failure};

/// Bytes of the authentication code that are kept.
const CODE: usize = 16;

impl App {
    /// A cursor that begins after `place` in the list that `list` names.
    pub(crate) async fn cursor(&self, list: &str, place: &str) -> Result<String, Failure> {
        let code = self.code(list, place.as_bytes()).await?.finalize();
        let mut bytes = code.into_bytes().get(..CODE).unwrap_or_default().to_vec();
        bytes.extend_from_slice(place.as_bytes());
        Ok(URL_SAFE_NO_PAD.encode(bytes))
    }

    /// The place in a cursor of this list; 400 for anything else.
    pub(crate) async fn place(&self, list: &str, cursor: &str) -> Result<String, Failure> {
        let refuse = || {
            Failure::parameter(
                "cursor",
                "invalid_cursor",
                "the cursor is none that this list gave",
            )
        };
        let bytes = URL_SAFE_NO_PAD.decode(cursor).map_err(|_| refuse())?;
        let (code, place) = bytes.split_at_checked(CODE).ok_or_else(refuse)?;
        self.code(list, place)
            .await?
            .verify_truncated_left(code)
            .map_err(|_| refuse())?;
        String::from_utf8(place.to_vec()).map_err(|_| refuse())
    }

    async fn code(&self, list: &str, place: &[u8]) -> Result<Hmac<Sha256>, Failure> {
        let secret = self.registry.cursor_secret().await?;
        let mut code = Hmac::<Sha256>::new_from_slice(&secret)
            .map_err(|error| Failure::internal(error.to_string()))?;
        code.update(list.as_bytes());
        code.update(&[0]);
        code.update(place);
        Ok(code)
    }
}
