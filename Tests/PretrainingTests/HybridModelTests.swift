import ClinicalParameters
import Kernels
import NeuralNetworks
import Pretraining
import TestSupport
import Testing

/// The hybrid against ECG-JEPA: without the clinical column it is the same model.
struct HybridModelTests {
    private var sizes: ECGJEPASizes {
        var sizes = ECGJEPASizes()
        (sizes.patches, sizes.patchSamples, sizes.width, sizes.depth) = (6, 5, 16, 2)
        (sizes.heads, sizes.hiddenWidth, sizes.predictorWidth) = (2, 32, 8)
        (sizes.predictorDepth, sizes.predictorHeads, sizes.predictorHiddenWidth) = (1, 2, 16)
        return sizes
    }

    @Test func readOutWithoutTheColumnIsECGJEPAs() {
        let (hybrid, jepa) = (Hybrid(sizes: sizes), ECGJEPA(sizes: sizes))
        let ours = Parameters(hybrid.parameters, seed: 1)
        let theirs = Parameters(jepa.parameters, seed: 2)
        for index in theirs.specifications.indices where !theirs[index].name.hasSuffix("pos_embed")
        {
            guard let other = ours.index(of: theirs[index].name) else {
                Issue.record("no \(theirs[index].name)")
                continue
            }
            _ = theirs.tensor(index).floats.update(from: ours.tensor(other).floats)
        }
        let (tape, reference) = (Tape(parameters: ours), Tape(parameters: theirs))
        defer { withExtendedLifetime((tape, reference)) {} }
        tape.reset()
        reference.reset()
        func patches(on tape: Tape) -> Value {
            var random = RandomStream(seed: 5, purpose: .test)
            let x = tape.input(rows: 2 * 8 * 6, columns: 5)
            for i in 0..<x.count { x.numbers[i] = Float(random.nextNormal()) }
            return x
        }
        let (mean, parts, leads) = hybrid.representation(patches(on: tape), features: nil, on: tape)
        let expected = jepa.representation(patches(on: reference), on: reference)
        #expect(parts == nil && leads.rows == 2 && leads.columns == 8 * 16)
        #expect(mean.count == expected.count)
        for i in 0..<mean.count { #expect(abs(mean.numbers[i] - expected.numbers[i]) < 1e-5) }

        let features = tape.input(rows: 16, columns: 64)
        features.numbers.update(repeating: 0.3)
        let whole = hybrid.representation(patches(on: tape), features: features, on: tape)
        #expect(whole.mean.rows == 2 && whole.mean.columns == 16)
        #expect(whole.parts?.rows == 2 && whole.parts?.columns == 32)
        // The mean over all 56 tokens is made of the mean patch, 48 of them, and the mean clinical token.
        if let parts = whole.parts {
            for sample in 0..<2 {
                for j in 0..<16 {
                    let row = parts.row(sample)
                    let joined = (48 * row[j] + 8 * row[16 + j]) / 56
                    #expect(abs(joined - whole.mean[sample, j]) < 1e-5)
                    // Leads' patches side by side, then their clinical tokens.
                    for (part, mean) in [(0, row[j]), (8, row[16 + j])] {
                        let sum = (part..<part + 8).reduce(Float(0)) {
                            $0 + whole.leads.numbers[(sample * 16 + $1) * 16 + j]
                        }
                        #expect(abs(sum / 8 - mean) < 1e-5)
                    }
                }
            }
        }
    }
}
