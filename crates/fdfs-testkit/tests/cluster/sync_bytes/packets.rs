//! A connection's bytes, cut into messages.

/// One request or answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Packet {
    pub(crate) command: u8,
    pub(crate) status: u8,
    pub(crate) body: Vec<u8>,
}

impl Packet {
    /// Cuts bytes into messages; a last one that is not whole is an error.
    pub(crate) fn split(bytes: &[u8]) -> Result<Vec<Self>, String> {
        let (packets, rest) = Self::whole(bytes);
        if rest.is_empty() { Ok(packets) } else { Err(format!("{} messages, and {rest:02x?}", packets.len())) }
    }

    /// The answer of 26 has no length of its own: text, the length of the text, and the end of the connection.
    pub(crate) fn split_answers(bytes: &[u8]) -> Result<Vec<Self>, String> {
        let (mut packets, rest) = Self::whole(bytes);
        if let Some((head, stream)) = rest.split_at_checked(10)
            && head[..8] == (1u64 << 58).to_be_bytes()
            && let Some((text, len)) = stream.split_last_chunk::<8>()
            && u64::from_be_bytes(*len) == text.len() as u64
        {
            packets.push(Self { command: head[8], status: head[9], body: text.to_vec() });
            return Ok(packets);
        }
        if rest.is_empty() { Ok(packets) } else { Err(format!("{} messages, and {rest:02x?}", packets.len())) }
    }

    /// Cuts off the messages that are whole; the rest.
    pub(crate) fn whole(mut bytes: &[u8]) -> (Vec<Self>, &[u8]) {
        let mut packets = Vec::new();
        while let Some((packet, rest)) = Self::first(bytes) {
            packets.push(packet);
            bytes = rest;
        }
        (packets, bytes)
    }

    fn first(bytes: &[u8]) -> Option<(Self, &[u8])> {
        let (head, rest) = bytes.split_at_checked(10)?;
        let len = u64::from_be_bytes(head[..8].try_into().unwrap());
        let (body, rest) = rest.split_at_checked(usize::try_from(len).ok()?)?;
        Some((Self { command: head[8], status: head[9], body: body.to_vec() }, rest))
    }
}
