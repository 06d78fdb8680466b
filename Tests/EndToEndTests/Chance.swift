import Foundation
import TestSupport
import Testing

/// What a test leaves to chance: the step at which it kills, and whom.
///
/// All of it is drawn from one seed, new in every run of the tests, which every failure names; with `PURKINJE_TEST_SEED` set to it the
/// same choices are made again. Each test has numbers of its own, whichever tests run beside it.
struct Chance {
    static let variable = "PURKINJE_TEST_SEED"

    /// The seed of this run of the tests.
    static let seed: UInt64 = {
        guard let text = ProcessInfo.processInfo.environment[variable], !text.isEmpty else {
            return UInt64(Date.now.timeIntervalSince1970 * 1000) % 1_000_000_000
        }
        guard let seed = UInt64(text) else { fatalError("\(variable)=\(text) is no whole number") }
        return seed
    }()

    private var random: SeededRandom

    /// The numbers of a test.
    init(_ name: String) {
        // FNV-1a: Swift's own hashes differ between processes.
        let hash = name.utf8.reduce(0xCBF2_9CE4_8422_2325 as UInt64) {
            ($0 ^ UInt64($1)) &* 0x100_0000_01B3
        }
        random = SeededRandom(seed: Self.seed &+ hash)
        _ = random.next()
    }

    mutating func number(in range: ClosedRange<Int>) -> Int { .random(in: range, using: &random) }

    /// One of some, in their order; none of none.
    mutating func choice<Element>(of elements: [Element]) -> Element? {
        elements.randomElement(using: &random)
    }
}

extension Trait where Self == IssueHandlingTrait {
    /// Names the seed in every failure.
    static var namesItsSeed: Self {
        .compactMapIssues { issue in
            let seed: Comment = "chance: \(Chance.variable)=\(Chance.seed)"
            // The trait is asked for a suite and for each of its tests.
            guard !issue.comments.contains(seed) else { return issue }
            var named = issue
            named.comments.append(seed)
            return named
        }
    }
}

@Suite struct ChanceTests {
    @Test func theSameNameHasTheSameNumbers() {
        func numbers(_ name: String) -> [Int] {
            var chance = Chance(name)
            return (0..<20).map { _ in chance.number(in: 0...9) }
        }
        #expect(numbers("a") == numbers("a"))
        #expect(numbers("a") != numbers("b"))
        #expect(numbers("a").allSatisfy { (0...9).contains($0) })
        var chance = Chance("c")
        #expect(chance.choice(of: [Int]()) == nil)
        #expect(Set((0..<100).map { _ in chance.choice(of: [1, 2, 3]) }) == [1, 2, 3])
    }
}
