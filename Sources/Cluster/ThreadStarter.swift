import Runtime

/// Starts a thread that ends by itself; handed in, so that a test can play a system that has none left.
typealias ThreadStarter =
    @Sendable (_ name: String, _ stackBytes: Int, _ body: @escaping @Sendable () -> Void)
    throws(SystemError) -> Void

/// Starts threads of the system.
let startSystemThread: ThreadStarter = { (name, stackBytes, body) throws(SystemError) in
    _ = try NamedThread(name, stackBytes: stackBytes, body: body)
}
