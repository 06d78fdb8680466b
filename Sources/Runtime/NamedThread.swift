import CSystem
import Foundation

/// A thread with a name that debuggers and `top -H` show.
public final class NamedThread: Sendable {
    /// The name, cut to 15 bytes by the kernel.
    public let name: String
    private let handle: Locked<pthread_t?>

    /// Starts a thread.
    ///
    /// - Parameters:
    ///   - name: Shown by debuggers.
    ///   - stackBytes: Size of the stack.
    ///   - body: What the thread does until it ends.
    /// - Throws: `SystemError` when the system has no thread left.
    public init(
        _ name: String, stackBytes: Int = 4 << 20, body: @escaping @Sendable () -> Void
    ) throws(SystemError) {
        self.name = name
        let start = Unmanaged.passRetained(StartBox(name: name, body: body))
        var attributes = pthread_attr_t()
        pthread_attr_init(&attributes)
        pthread_attr_setstacksize(&attributes, stackBytes)
        defer { pthread_attr_destroy(&attributes) }
        var thread = pthread_t()
        let code = pthread_create(
            &thread, &attributes,
            { argument in
                guard let argument else { return nil }
                let start = Unmanaged<StartBox>.fromOpaque(argument).takeRetainedValue()
                pthread_setname_np(pthread_self(), String(start.name.prefix(15)))
                start.body()
                return nil
            }, start.toOpaque())
        guard code == 0 else {
            start.release()
            throw SystemError(call: "pthread_create", subject: "thread \(name)", code: code)
        }
        handle = Locked(thread)
    }

    /// Waits until the thread has ended.
    ///
    /// Further calls return at once.
    public func join() {
        let thread = handle.withLock { handle in
            defer { handle = nil }
            return handle
        }
        if let thread { pthread_join(thread, nil) }
    }

    deinit {
        let thread = handle.withLock { $0 }
        if let thread { pthread_detach(thread) }
    }

    private final class StartBox: Sendable {
        let name: String
        let body: @Sendable () -> Void
        init(name: String, body: @escaping @Sendable () -> Void) {
            self.name = name
            self.body = body
        }
    }
}

extension NamedThread {
    /// Sets the calling thread's floating-point mode: round to nearest, subnormals as zero.
    ///
    /// Every computing thread has this mode; a shard's bits would otherwise depend on the thread that computes it.
    public static func setComputeFloatingPointMode() {
        purkinje_set_floating_point_mode()
    }
}
