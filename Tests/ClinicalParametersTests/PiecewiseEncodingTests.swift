import ClinicalParameters
import Kernels
import Testing

struct PiecewiseEncodingTests {
    private func code(_ value: Float, _ edges: [Float]) -> [Float] {
        var code = Array(repeating: Float(9), count: edges.count - 1)
        var edges = edges
        edges.withNumbers { edges in
            code.withNumbers { PiecewiseEncoding.encode(value, edges: edges, into: $0) }
        }
        return code
    }

    @Test func aNumberGoesThroughSegmentsOneAfterAnother() {
        let edges: [Float] = [-1, 0, 2, 4]
        #expect(code(-3, edges) == [-1, -1, -1])
        #expect(code(-0.5, edges) == [0, -1, -1])
        #expect(code(0.5, edges) == [1, -0.5, -1])
        #expect(code(2, edges) == [1, 1, -1])
        #expect(code(9, edges) == [1, 1, 1])
    }

    @Test func aSegmentWithoutWidthIsAStep() {
        let edges: [Float] = [0, 1, 1, 2]
        #expect(code(0.999, edges)[1] == -1)
        #expect(code(1, edges) == [1, 1, -1])
        // A feature that never varies, or that nobody measured.
        #expect(code(0, [0, 0]) == [1])
        #expect(code(-1, [0, 0]) == [-1])
    }

    @Test func edgesAreQuantilesOfWhatWasMeasured() {
        var random = RandomStream(seed: 5, purpose: .test)
        let windows = (0..<101).map { number in
            (0..<ClinicalFeatures.count).map { feature in
                feature == 3 && number % 2 == 0 ? Float.nan : random.nextUniform()
            }
        }
        let statistics = FeatureStatistics(windows: windows)
        let encoding = PiecewiseEncoding(segments: 4, windows: windows, statistics: statistics)
        #expect(encoding.edges.count == 5 * ClinicalFeatures.count)
        for feature in 0..<ClinicalFeatures.count {
            let edges = encoding.edges[5 * feature..<5 * feature + 5]
            #expect(edges.elementsEqual(edges.sorted()))
            // The middle one is the median, which normalising puts at 0.
            #expect(abs(edges[5 * feature + 2]) < 1e-6)
        }
    }
}
