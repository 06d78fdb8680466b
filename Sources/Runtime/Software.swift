/// What this build calls itself in files, handshakes and on the screen.
public enum Software {
    /// The name.
    public static let name = "purkinje"
    /// The version, as `major.minor.patch`.
    public static let version = "0.1.0"
}
