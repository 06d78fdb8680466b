import Foundation
import Runtime
import Testing

/// The arrows between the rooms.
@Suite struct ArrowTests {
    /// Rooms and programs by their folders; C's are described by module maps.
    private func rooms() throws -> Set<String> {
        let folders = try Tree.files().filter { $0.hasPrefix("Sources/") && $0.hasSuffix(".swift") }
        return Set(folders.map { String($0.split(separator: "/")[1]) })
    }

    @Test func everyRoomHasALine() throws {
        let rooms = try rooms()
        #expect(rooms.count > 20)
        #expect(rooms == Set(Rooms.mayImport.keys))
        let page = try Tree.text("docs/architecture.md")
        for room in rooms.sorted() {
            #expect(page.contains("`\(room)`"), "docs/architecture.md does not say what \(room) is")
        }
    }

    /// The rooms and C's libraries that the files below a folder import.
    private func imports(below folder: String) throws -> [String: Set<String>] {
        let known = try rooms().union(["COpenBLAS", "CZlib", "CSystem", "COpenSSL", "TestSupport"])
        var imports: [String: Set<String>] = [:]
        for file in try Tree.files()
        where file.hasPrefix(folder + "/") && file.hasSuffix(".swift") {
            for line in try Tree.lines(file) {
                let words = line.split(separator: " ")
                guard let place = words.firstIndex(of: "import"), words.count == place + 2,
                    words[..<place].allSatisfy({ $0.hasPrefix("@") || $0 == "public" })
                else { continue }
                let imported = String(words[place + 1])
                if known.contains(imported) { imports[imported, default: []].insert(file) }
            }
        }
        return imports
    }

    @Test func importsFollowTheArrows() throws {
        var count = 0
        for room in try rooms().sorted() {
            for (imported, files) in try imports(below: "Sources/\(room)") {
                count += files.count
                #expect(
                    Rooms.mayImport[room]?.contains(imported) == true,
                    "\(files.sorted()) import \(imported): Tests/HouseTests/Rooms.swift has no such arrow"
                )
            }
        }
        #expect(count > 500)
    }

    /// What nobody imports is no arrow, in Package.swift and in `Rooms` alike.
    @Test func everyArrowIsUsed() throws {
        let targets = PackageTargets(try Tree.text("Package.swift")).dependencies
        #expect(targets.count > 50)
        #expect(Set(targets.keys).isSuperset(of: try rooms().subtracting(["BuildStamp"])))
        for (target, declared) in targets.sorted(by: { $0.key < $1.key }) {
            let isTest = target.hasSuffix("Tests") || target == "TestSupport"
            var used = Set(try imports(below: (isTest ? "Tests/" : "Sources/") + target).keys)
            // All targets of tests have it.
            used.remove("TestSupport")
            // Known by its function's name in C.
            if target == "HouseTests" { used.insert("BuildStamp") }
            let (idle, absent) = (declared.subtracting(used), used.subtracting(declared))
            #expect(idle.isEmpty, "Package.swift: no file of \(target) imports \(idle.sorted())")
            #expect(absent.isEmpty, "Package.swift: \(target) lacks \(absent.sorted())")
            if !isTest {
                #expect(
                    Rooms.mayImport[target] == declared, "Tests/HouseTests/Rooms.swift: \(target)")
            }
        }
    }

    @Test func noArrowLeadsRound() {
        for room in Rooms.mayImport.keys.sorted() {
            #expect(!Rooms.reachable(from: room).contains(room), "\(room) leads to itself")
        }
    }

    @Test func theCoordinatorLinksNoMatrixLibrary() throws {
        #expect(!Rooms.reachable(from: "purkinje-coordinator").contains("COpenBLAS"))
        #expect(Rooms.reachable(from: "purkinje-worker").contains("COpenBLAS"))
        // The programs that were built with these tests name the libraries that they need.
        func needsOpenBLAS(_ program: String) throws -> Bool {
            let program = FilePath("\(buildFolder)/\(program)")
            return Data(try program.contents()).range(of: Data("libopenblas.so".utf8)) != nil
        }
        #expect(try needsOpenBLAS("purkinje-worker"))
        #expect(try !needsOpenBLAS("purkinje-coordinator"))
    }

    /// The folder of the test bundle, in which the programs are, too.
    private var buildFolder: String {
        let bundles = CommandLine.arguments.filter { $0.hasSuffix(".xctest") }
        let own = try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")
        let folders = (bundles + [own ?? "", CommandLine.arguments[0]]).map {
            URL(fileURLWithPath: $0).deletingLastPathComponent().path
        }
        return folders.first { access("\($0)/purkinje-coordinator", X_OK) == 0 } ?? "."
    }
}

/// The targets of a Package.swift that is written in the way of this package's: `room("Name", uses: ["A", "B"])`.
struct PackageTargets {
    private(set) var dependencies: [String: Set<String>] = [:]

    init(_ package: String) {
        let target =
            /(?:\b(?:room|program|tests)\(|\.target\(\s*name: )\s*"([\w\-]+)"(?:,\s*(?:uses|dependencies): \[([^\]]*)\])?/
        guard let start = package.range(of: "targets: [\n") else { return }
        for match in package[start.upperBound...].matches(of: target) {
            let names = (match.2 ?? "").matches(of: /"([\w\-]+)"/).map { String($0.1) }
            dependencies[String(match.1)] = Set(names)
        }
    }
}
