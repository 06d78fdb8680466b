import Testing
import Training

struct SamplerTests {
    @Test(arguments: [1, 2, 3, 4, 5, 16, 17, 1000, 1345])
    func everyEpochHasEveryWindowOnce(count: Int) {
        let windows = (0..<count).map { 7 * $0 + 3 }
        let sampler = Sampler(windows: windows, seed: 11)
        for epoch in 0..<3 {
            let drawn = (0..<count).map { sampler.window(at: UInt64(epoch * count + $0)) }
            #expect(drawn.sorted() == windows, "epoch \(epoch) of \(count)")
        }
    }

    @Test func epochsAndSeedsHaveOrdersOfTheirOwn() {
        let windows = Array(0..<500)
        let sampler = Sampler(windows: windows, seed: 1)
        let first = (0..<500).map { sampler.window(at: UInt64($0)) }
        let second = (500..<1000).map { sampler.window(at: UInt64($0)) }
        let other = (0..<500).map { Sampler(windows: windows, seed: 2).window(at: UInt64($0)) }
        #expect(first != windows)
        #expect(first != second)
        #expect(first != other)
        // A random order keeps about one window in its place.
        #expect(zip(first, windows).filter { $0 == $1 }.count < 10)
    }
}
