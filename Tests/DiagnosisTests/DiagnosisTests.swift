import Foundation
import Runtime
import Testing

@testable import Diagnosis

@Suite struct DiagnosisTests {
    private let processor = """
        processor\t: 0
        model name\t: Fast 9000
        flags\t\t: fpu avx2 bmi1 bmi2 f16c fma movbe avx512f

        processor\t: 1
        model name\t: Slow
        """

    private func processor(quota: String = "max 100000", load: String = "0.10 0 0 1/2 3")
        -> Processor
    {
        Processor(cpuInformation: processor, quotaText: quota, loadText: load, allowedCount: 4)
    }

    @Test func readsTheProcessor() {
        let fast = processor()
        #expect(fast.model == "Fast 9000")
        #expect(fast.quota == nil)
        #expect(fast.time.verdict == .good)
        #if arch(x86_64)
            #expect(fast.instructions.verdict == .good)
            let old = Processor(
                cpuInformation: "model name: Old\nflags: sse2", quotaText: "", loadText: "",
                allowedCount: 1)
            #expect(old.instructions.verdict == .problem)
            #expect(old.instructions.text.contains("avx2"))
        #endif
    }

    @Test func warnsOfQuotaAndLoad() {
        let limited = processor(quota: "150000 100000")
        #expect(limited.quota == 1.5)
        #expect(limited.time.verdict == .warning)
        #expect(limited.time.remedy?.contains("--threads 1") == true)
        #expect(processor(load: "3.5 0 0").time.verdict == .warning)
    }

    @Test func comparesMemoryWithTheNeed() {
        let information = "MemTotal:  16777216 kB\nMemAvailable: 8388608 kB"
        let memory = Memory(information: information, limitText: "max\n", usedText: "1")
        #expect(memory.totalBytes == 16 << 30)
        #expect(memory.finding(neededBytes: 2 << 30, for: "it").verdict == .good)
        #expect(memory.finding(neededBytes: 7 << 30, for: "it").verdict == .warning)
        #expect(memory.finding(neededBytes: 9 << 30, for: "it").verdict == .problem)
        let boxed = Memory(
            information: information, limitText: "\(4 << 30)\n", usedText: "\(1 << 30)")
        #expect(boxed.availableBytes == 3 << 30)
        #expect(memory.refusal(neededBytes: 16 << 30, for: "it") == nil)
        #expect(
            memory.refusal(neededBytes: 17 << 30, for: "it")?.hasPrefix(
                "it takes about 17.0 GiB of memory, and this machine has 16.0 GiB; choose fewer")
                == true)
        #expect(boxed.refusal(neededBytes: 5 << 30, for: "it") != nil)
        let swapping = Memory(
            information: information + "\nSwapTotal: 2097152 kB", limitText: "", usedText: "")
        #expect(swapping.refusal(neededBytes: 17 << 30, for: "it") == nil)
    }

    @Test func triesTheDirectoryAndLeavesNothing() throws {
        let folder =
            FileManager.default.temporaryDirectory.path + "/doctor-\(UUID())"
        #expect(mkdir(folder, 0o700) == 0)
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let finding = SharedDirectory(path: FilePath(folder)).finding(largeBytes: 1 << 20)
        #expect(finding.verdict < .problem)
        #expect(finding.values["rename_replaces"] == true)
        #expect(try FileManager.default.contentsOfDirectory(atPath: folder).isEmpty)
        // A run makes its folder, and those above it.
        let absent = SharedDirectory(path: FilePath(folder + "/absent/too")).finding(
            largeBytes: 1 << 20)
        #expect(absent.verdict < .problem)
        #expect(absent.text.contains("is not there yet and will be made in \(folder)"))
        #expect(try FileManager.default.contentsOfDirectory(atPath: folder).isEmpty)
        let impossible = SharedDirectory(path: "/dev/null/runs").finding()
        #expect(impossible.verdict == .problem)
        #expect(impossible.remedy != nil)
    }

    @Test func noticesATakenPort() throws {
        #expect(Network.finding(port: nil).verdict < .problem)
        let taken = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        defer { close(taken) }
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        var size = socklen_t(MemoryLayout<sockaddr_in>.size)
        withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                #expect(bind(taken, $0, size) == 0)
                #expect(listen(taken, 1) == 0)
                #expect(getsockname(taken, $0, &size) == 0)
            }
        }
        let finding = Network.finding(port: Int(UInt16(bigEndian: address.sin_port)))
        #expect(finding.verdict == .problem)
        #expect(finding.text.contains("cannot be listened on"))
    }

    @Test func aWorkerAmongSeveralNeedsLess() {
        let count = 3_118_497
        func bytes(workers: Int) -> Int {
            MemoryEstimate(
                parameterCount: count, frozenCount: 0, activationsPerShard: 1_000_000,
                shardsInFlight: 2, workers: workers
            ).bytes
        }
        #expect(bytes(workers: 1) > 40 * count && bytes(workers: 1) < 60 * count + (256 << 20))
        #expect(bytes(workers: 4) < bytes(workers: 1))
        let endless = MemoryEstimate(
            parameterCount: .max, frozenCount: .max, activationsPerShard: .max,
            shardsInFlight: 1_024, workers: 1)
        #expect(endless.bytes == 1 << 48)
    }

    @Test func measuresProducts() throws {
        let finding = try ProductSpeed(threads: 1).finding
        #expect(finding.values["one_thread_gflops_per_second"]?.doubleValue ?? 0 > 0)
    }

    @Test func everyFindingHasJSON() {
        let json = Clock.finding().json
        #expect(json["verdict"]?.stringValue != nil)
        #expect(json["longest_pause_milliseconds"]?.doubleValue != nil)
    }
}
