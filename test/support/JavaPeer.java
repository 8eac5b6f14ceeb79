// Java's JSSE as a peer, driven over stdin and stdout: `java JavaPeer.java`, without anything but a JDK. One process serves many tests.
//
//   serve ID name=value...         listens on a free port; says `ID port=N`, echoes what each connection sends
//   dial ID name=value...          connects, does what `do` says, leaves
//
// Values are URL-encoded. Each connection tells of itself in lines of `ID name=value...`: handshake, said, renegotiated, received, closed,
// failed. The end of stdin ends it all.
import java.io.*;
import java.net.*;
import java.nio.charset.StandardCharsets;
import java.security.*;
import java.security.cert.Certificate;
import java.security.cert.CertificateFactory;
import java.security.spec.PKCS8EncodedKeySpec;
import java.util.*;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import javax.net.ssl.*;

public class JavaPeer {
  static final int PIECE = 1 << 16;
  static final Map<String, SSLContext> contexts = new ConcurrentHashMap<>();

  public static void main(String[] args) throws Exception {
    // What is off by default is on here: each connection says itself which versions and suites it wants.
    Security.setProperty("jdk.tls.disabledAlgorithms", "");
    Security.setProperty("jdk.certpath.disabledAlgorithms", "");
    // A KeyUpdate after 256 KiB, not after 128 GiB.
    Security.setProperty("jdk.tls.keyLimits", "AES/GCM/NoPadding KeyUpdate 2^18, ChaCha20-Poly1305 KeyUpdate 2^18");
    System.setProperty("jsse.enableMFLExtension", "true");
    say("java", "ready=" + System.getProperty("java.version"));
    BufferedReader commands = new BufferedReader(new InputStreamReader(System.in));
    for (String line = commands.readLine(); line != null; line = commands.readLine()) {
      String[] words = line.split(" ");
      Map<String, String> options = new HashMap<>();
      for (int i = 2; i < words.length; i++) {
        int at = words[i].indexOf('=');
        options.put(words[i].substring(0, at), URLDecoder.decode(words[i].substring(at + 1), StandardCharsets.UTF_8));
      }
      Thread thread = new Thread(() -> run(words[0], words[1], options));
      thread.setDaemon(true);
      thread.start();
    }
    System.exit(0);
  }

  static synchronized void say(String id, String what) {
    System.out.println(id + " " + what);
    System.out.flush();
  }

  static void run(String command, String id, Map<String, String> options) {
    try {
      if (command.equals("serve")) serve(id, options);
      else dial(id, options);
    } catch (Exception e) {
      say(id, "failed=" + URLEncoder.encode(String.valueOf(e.getMessage()), StandardCharsets.UTF_8));
    }
  }

  // ---- Contexts: a client resumes within one, so they are kept by name. ----

  static SSLContext context(String id, Map<String, String> options) throws Exception {
    String name = options.getOrDefault("context", id);
    SSLContext known = contexts.get(name);
    if (known != null) return known;
    CertificateFactory factory = CertificateFactory.getInstance("X.509");
    KeyStore keys = KeyStore.getInstance("PKCS12"), roots = KeyStore.getInstance("PKCS12");
    keys.load(null, null);
    roots.load(null, null);
    if (options.containsKey("cert")) {
      Collection<? extends Certificate> chain = factory.generateCertificates(bytes(options.get("cert")));
      keys.setKeyEntry("own", key(options.get("key")), new char[0], chain.toArray(new Certificate[0]));
    }
    if (options.containsKey("ca")) roots.setCertificateEntry("ca", factory.generateCertificate(bytes(options.get("ca"))));
    KeyManagerFactory keyManagers = KeyManagerFactory.getInstance("PKIX");
    keyManagers.init(keys, new char[0]);
    TrustManagerFactory trust = TrustManagerFactory.getInstance("PKIX");
    trust.init(roots);
    SSLContext made = SSLContext.getInstance("TLS");
    made.init(keyManagers.getKeyManagers(), options.containsKey("ca") ? trust.getTrustManagers() : null, null);
    contexts.put(name, made);
    return made;
  }

  static InputStream bytes(String text) { return new ByteArrayInputStream(text.getBytes(StandardCharsets.US_ASCII)); }

  static PrivateKey key(String pem) throws Exception {
    byte[] der = Base64.getMimeDecoder().decode(pem.replaceAll("-----[^-]+-----", ""));
    for (String type : new String[] {"EC", "RSA", "EdDSA"}) {
      try {
        return KeyFactory.getInstance(type).generatePrivate(new PKCS8EncodedKeySpec(der));
      } catch (GeneralSecurityException e) {
        // of another type
      }
    }
    throw new IllegalArgumentException("a key of no known type");
  }

  static void configure(SSLSocket socket, Map<String, String> options) {
    SSLParameters parameters = socket.getSSLParameters();
    if (options.containsKey("versions")) parameters.setProtocols(options.get("versions").split(","));
    if (options.containsKey("suites")) parameters.setCipherSuites(options.get("suites").split(","));
    if (options.containsKey("alpn")) parameters.setApplicationProtocols(options.get("alpn").split(","));
    if (options.containsKey("packet")) parameters.setMaximumPacketSize(Integer.parseInt(options.get("packet")));
    if (options.containsKey("host")) {
      parameters.setServerNames(List.of(new SNIHostName(options.get("host"))));
      parameters.setEndpointIdentificationAlgorithm("HTTPS");
    }
    if (options.containsKey("mutual")) parameters.setNeedClientAuth(true);
    socket.setSSLParameters(parameters);
  }

  static void handshake(String id, SSLSocket socket) throws Exception {
    socket.startHandshake();
    ExtendedSSLSession session = (ExtendedSSLSession) socket.getSession();
    String peer = "none";
    try {
      peer = session.getPeerPrincipal().getName();
    } catch (SSLPeerUnverifiedException e) {
      // it showed no certificate
    }
    int staples = 0;
    try {
      staples = session.getStatusResponses().size();
    } catch (UnsupportedOperationException e) {
      // a server's session
    }
    say(id, "handshake=" + session.getProtocol() + " suite=" + session.getCipherSuite() + " alpn=" + socket.getApplicationProtocol()
        + " peer=" + URLEncoder.encode(peer, StandardCharsets.UTF_8) + " created=" + session.getCreationTime() + " staples=" + staples);
  }

  // ---- A server that echoes. ----

  static void serve(String id, Map<String, String> options) throws Exception {
    SSLContext context = context(id, options);
    try (ServerSocket listener = new ServerSocket(0, 50, InetAddress.getLoopbackAddress())) {
      say(id, "port=" + listener.getLocalPort());
      for (;;) {
        Socket plain = listener.accept();
        Thread thread = new Thread(() -> echo(id, context, plain, options));
        thread.setDaemon(true);
        thread.start();
      }
    }
  }

  static void echo(String id, SSLContext context, Socket plain, Map<String, String> options) {
    try (SSLSocket socket = (SSLSocket) context.getSocketFactory().createSocket(plain, null, plain.getPort(), true)) {
      socket.setUseClientMode(false);
      configure(socket, options);
      handshake(id, socket);
      byte[] buffer = new byte[16384];
      long total = 0;
      for (int count = socket.getInputStream().read(buffer); count >= 0; count = socket.getInputStream().read(buffer)) {
        socket.getOutputStream().write(buffer, 0, count);
        total += count;
        if (options.containsKey("renegotiate")) socket.startHandshake();
      }
      say(id, "closed=" + total);
    } catch (Exception e) {
      say(id, "failed=" + URLEncoder.encode(String.valueOf(e.getMessage()), StandardCharsets.UTF_8));
    }
  }

  // ---- A client with a list of things to do. ----

  static void dial(String id, Map<String, String> options) throws Exception {
    int port = Integer.parseInt(options.get("port"));
    Socket plain = new Socket(InetAddress.getLoopbackAddress(), port);
    try (SSLSocket socket = (SSLSocket) context(id, options).getSocketFactory().createSocket(plain, options.get("host"), port, true)) {
      configure(socket, options);
      handshake(id, socket);
      for (String step : options.getOrDefault("do", "say").split(",")) act(id, socket, step);
    }
    say(id, "closed=0");
  }

  /** startHandshake only sends the ClientHello, here: reading gets on with it, and what is written meanwhile OpenSSL does not take. */
  static void renegotiate(String id, SSLSocket socket, InputStream in) throws IOException {
    CountDownLatch done = new CountDownLatch(1);
    socket.addHandshakeCompletedListener(event -> done.countDown());
    socket.startHandshake();
    socket.setSoTimeout(20);
    while (done.getCount() > 0) {
      try {
        if (in.read() < 0) throw new IOException("the peer has left");
      } catch (SocketTimeoutException e) {
        // nothing to read but the handshake
      }
    }
    socket.setSoTimeout(0);
    say(id, "renegotiated=1");
  }

  static void act(String id, SSLSocket socket, String step) throws Exception {
    InputStream in = socket.getInputStream();
    OutputStream out = socket.getOutputStream();
    if (step.equals("renegotiate")) {
      renegotiate(id, socket, in);
    } else if (step.equals("shutdown")) {
      socket.shutdownOutput();
      byte[] rest = in.readAllBytes();
      say(id, "received=" + rest.length);
    } else {
      int size = step.startsWith("bulk") ? Integer.parseInt(step.substring(4)) : 6;
      byte[] sent = new byte[size];
      for (int i = 0; i < size; i++) sent[i] = (byte) ('0' + i * 7 % 10);
      Thread writer = new Thread(() -> {
        try {
          // In pieces: keys are updated between writes, and the peer answers with its next bytes.
          for (int at = 0; at < size; at += PIECE) out.write(sent, at, Math.min(PIECE, size - at));
          out.flush();
        } catch (IOException e) {
          say(id, "failed=" + URLEncoder.encode(String.valueOf(e.getMessage()), StandardCharsets.UTF_8));
        }
      });
      writer.start();
      byte[] back = in.readNBytes(size);
      writer.join();
      if (!Arrays.equals(sent, back)) throw new IOException("not what was sent: " + back.length + " of " + size);
      say(id, "said=" + size);
    }
  }
}
