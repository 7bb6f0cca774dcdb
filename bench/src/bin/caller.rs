//! The least a client can do, to hold the public one against: one connection, one request after the other. Takes the
//! server's address, a token, a path, a body and how many; prints calls per second.

use std::{
    env,
    error::Error,
    io::{BufReader, Write as _},
    net::TcpStream,
    time::Instant,
};

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = env::args().skip(1);
    let mut next = || arguments.next().ok_or("address token path body times");
    let (address, token, path, body) = (next()?, next()?, next()?, next()?);
    let times: u32 = next()?.parse()?;
    let request = format!(
        "POST {path} HTTP/1.1\r\nHost: {address}\r\nAuthorization: Bearer {token}\r\nContent-Type: application/json\r\n\
         Content-Length: {}\r\n\r\n{body}",
        body.len()
    );
    let stream = TcpStream::connect(&address)?;
    stream.set_nodelay(true)?;
    let mut reader = BufReader::new(stream.try_clone()?);
    let mut writer = stream;
    let start = Instant::now();
    for _ in 0..times {
        writer.write_all(request.as_bytes())?;
        answered(&mut reader)?;
    }
    println!("{:.0}", f64::from(times) / start.elapsed().as_secs_f64());
    Ok(())
}

fn answered(reader: &mut impl std::io::BufRead) -> Result<(), Box<dyn Error>> {
    let mut line = String::new();
    reader.read_line(&mut line)?;
    if !line.starts_with("HTTP/1.1 200") {
        return Err(line.into());
    }
    let mut length = 0;
    loop {
        line.clear();
        reader.read_line(&mut line)?;
        if line.trim().is_empty() {
            break;
        }
        if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
            length = value.trim().parse()?;
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body)?;
    Ok(())
}
