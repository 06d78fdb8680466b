import Kernels
import NeuralNetworks

/// Which patches of each lead the encoder sees, and where everything stands because of it.
///
/// A handle into a tape's arena: it is valid until the tape is reset.
public struct PatchChoice: BitwiseCopyable {
    /// Records in the shard.
    public let samples: Int
    /// Leads of a record.
    public let leads: Int
    /// Patches of a lead.
    public let patches: Int
    /// Patches of a lead that are seen.
    public let kept: Int
    /// For each lead of each sample a permutation of its patches, seen ones first: `[samples * leads, patches]`.
    public let order: Numbers<Int32>

    /// Rows of all kept patches.
    public var keptCount: Int { samples * leads * kept }
    /// Rows of all removed patches.
    public var removedCount: Int { samples * leads * (patches - kept) }

    /// The choice that random numbers make: ascending order of the numbers, ties to the lower patch, the first
    /// `kept` are seen.
    ///
    /// - Parameters:
    ///   - samples: Records in the shard.
    ///   - leads: Leads of a record.
    ///   - patches: Patches of a lead.
    ///   - kept: Patches of a lead that are seen.
    ///   - tape: Whose arena keeps the choice.
    ///   - draw: Gives the number for a sample, lead and patch, asked for in that order.
    public init(
        samples: Int, leads: Int, patches: Int, kept: Int, on tape: Tape,
        draw: (_ sample: Int, _ lead: Int, _ patch: Int) -> Float
    ) {
        self.samples = samples
        self.leads = leads
        self.patches = patches
        self.kept = kept
        order = tape.numbers(samples * leads * patches, of: Int32.self)
        let numbers = tape.numbers(patches, of: Float.self)
        for sample in 0..<samples {
            for lead in 0..<leads {
                let start = (sample * leads + lead) * patches
                let row = order.part(start..<start + patches)
                for patch in 0..<patches {
                    numbers[patch] = draw(sample, lead, patch)
                    // Insertion sort: stable, and a lead has few patches.
                    var place = patch
                    while place > 0, numbers[Int(row[place - 1])] > numbers[patch] {
                        row[place] = row[place - 1]
                        place -= 1
                    }
                    row[place] = Int32(patch)
                }
            }
        }
    }

    /// Every patch seen, in order.
    static func all(samples: Int, leads: Int, patches: Int, on tape: Tape) -> PatchChoice {
        PatchChoice(
            samples: samples, leads: leads, patches: patches, kept: patches, on: tape
        ) { _, _, patch in Float(patch) }
    }

    /// Rows of kept patches among all patches, lead by lead.
    func keptRows(on tape: Tape) -> Numbers<Int32> {
        rows(0..<kept, rowsPerLead: patches, shift: 0, on: tape)
    }

    /// Rows of removed patches among all patches, lead by lead.
    func removedRows(on tape: Tape) -> Numbers<Int32> {
        rows(kept..<patches, rowsPerLead: patches, shift: 0, on: tape)
    }

    /// Rows of the wanted patches' tokens among the decoder's tokens, which have a separator at either end of a lead.
    func decoderTokenRows(
        of prediction: STMEM.Prediction, on tape: Tape
    ) -> Numbers<Int32> {
        switch prediction {
        case .removedPatches: rows(kept..<patches, rowsPerLead: patches + 2, shift: 1, on: tape)
        case .allPatches: rowsBetweenSeparators(patches, on: tape)
        }
    }

    /// Rows of patch tokens among the encoder's tokens.
    func tokenRowsWithoutSeparators(on tape: Tape) -> Numbers<Int32> {
        rowsBetweenSeparators(kept, on: tape)
    }

    private func rows(
        _ ranks: Range<Int>, rowsPerLead: Int, shift: Int, on tape: Tape
    ) -> Numbers<Int32> {
        let result = tape.numbers(samples * leads * ranks.count, of: Int32.self)
        var end = 0
        for lead in 0..<(samples * leads) {
            for rank in ranks {
                result[end] = Int32(lead * rowsPerLead + shift) + order[lead * patches + rank]
                end += 1
            }
        }
        return result
    }

    /// Rows of a lead's tokens without the separator at either end.
    private func rowsBetweenSeparators(_ inner: Int, on tape: Tape) -> Numbers<Int32> {
        TokenRows(1..<inner + 1, ofGroups: samples * leads, length: inner + 2, on: tape).indices
    }
}
