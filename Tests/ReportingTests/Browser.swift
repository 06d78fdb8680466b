import Foundation
import Runtime
import Testing

/// Chromium without a window.
enum Browser {
    private static let path = ["/usr/bin/chromium", "/usr/bin/google-chrome"].first {
        FileManager.default.isExecutableFile(atPath: $0)
    }

    static var isInstalled: Bool { path != nil }

    /// A page as the browser has it.
    struct Opened {
        /// The document after it was loaded.
        let document: String
        /// Errors on the console, and requests that failed or that the page forbids.
        let complaints: [String]

        var drawings: Int { document.components(separatedBy: "<svg ").count - 1 }
    }

    static func open(_ html: String) throws -> Opened {
        let folder = NSTemporaryDirectory() + "purkinje-browser-\(UUID().uuidString)"
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let page = folder + "/page.html"
        try AtomicFile.write(html, to: FilePath(page))
        let process = Process()
        process.executableURL = URL(filePath: try #require(path))
        process.arguments = [
            "--headless", "--no-sandbox", "--disable-gpu", "--enable-logging=stderr", "--dump-dom",
            "--user-data-dir=\(folder)/profile", "--virtual-time-budget=2000", "file://\(page)",
        ]
        let (dom, log) = (Pipe(), Pipe())
        process.standardOutput = dom
        process.standardError = log
        try process.run()
        let messages = Locked("")
        let reader = Thread {
            let data = log.fileHandleForReading.readDataToEndOfFile()
            messages.withLock { $0 = String(decoding: data, as: UTF8.self) }
        }
        reader.start()
        let document = String(
            decoding: dom.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        process.waitUntilExit()
        while !reader.isFinished { usleep(1000) }
        #expect(process.terminationStatus == 0)
        let complaints = messages.withLock { $0 }.split(separator: "\n").filter {
            $0.contains("CONSOLE") || $0.contains("ERR_")
        }
        return Opened(document: document, complaints: complaints.map(String.init))
    }
}
