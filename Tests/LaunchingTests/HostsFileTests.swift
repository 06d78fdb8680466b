import Testing

@testable import Launching

@Suite struct HostsFileTests {
    @Test func readsHostsWithTheirOwnSettings() throws {
        let text = """
            # the ECG cluster
            node-1
            me@node-2 workers=2 threads=8 data=/scratch/e.purkinje  # the big one

            node-3 run=/net/run programs=/opt/purkinje
            """
        let hosts = try HostsFile.parse(Array(text.utf8), path: "hosts")
        #expect(hosts.map(\.destination) == ["node-1", "me@node-2", "node-3"])
        #expect(hosts[1].workers == 2)
        #expect(hosts[1].threads == 8)
        #expect(hosts[1].data == "/scratch/e.purkinje")
        #expect(hosts[2].run == "/net/run")
        #expect(hosts[2].programs == "/opt/purkinje")
        #expect(hosts[0] == RemoteHost(destination: "node-1"))
    }

    @Test(arguments: [
        ("", "names no host"),
        ("a\na", "line 2: a is named twice"),
        ("a worker=2", "did you mean 'workers'?"),
        ("a workers=0", "workers needs a whole number"),
        ("a threads=99999999", "threads needs a whole number from 1 to 1024, not '99999999'"),
        ("a workers", "not of the form key=value"),
        ("-oProxyCommand=x", "is no host name"),
    ])
    func namesLineAndRemedy(text: String, message: String) {
        #expect { try HostsFile.parse(Array(text.utf8), path: "hosts") } throws: { error in
            "\(error)".contains(message)
        }
    }

    @Test func sharesOutWorkers() throws {
        var hosts = ["a", "b", "c"].map { RemoteHost(destination: $0) }
        let even = try HostsFile.assign(4, to: hosts, path: "hosts")
        #expect(even.map(\.destination) == ["a", "a", "b", "c"])
        hosts[1].workers = 3
        let fixed = try HostsFile.assign(4, to: hosts, path: "hosts")
        #expect(fixed.map(\.destination) == ["a", "b", "b", "b"])
        #expect(throws: HostsFileError.self) {
            try HostsFile.assign(2, to: hosts, path: "hosts")
        }
    }
}
