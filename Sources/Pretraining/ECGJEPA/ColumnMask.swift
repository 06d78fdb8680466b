import Kernels
import NeuralNetworks

/// Which times the context encoder does not see: one choice for all leads and samples of a batch.
///
/// A handle into a tape's arena: it is valid until the tape is reset.
public struct ColumnMask: BitwiseCopyable {
    /// Patches of a lead.
    public let columns: Int
    /// Patches of a lead that are seen.
    public let visible: Int
    /// The seen patches, ascending, and then the masked ones, ascending.
    public let order: Numbers<Int32>

    /// Patches of a lead that are masked.
    public var masked: Int { columns - visible }

    /// The mask with given masked patches.
    ///
    /// - Parameters:
    ///   - columns: Patches of a lead.
    ///   - tape: Whose arena keeps the mask.
    ///   - isMasked: Whether a patch is masked.
    public init(columns: Int, on tape: Tape, isMasked: (Int) -> Bool) {
        let order = tape.numbers(columns, of: Int32.self)
        let flags = tape.numbers(repeating: false, count: columns)
        var end = 0
        for column in 0..<columns {
            flags[column] = isMasked(column)
            guard !flags[column] else { continue }
            order[end] = Int32(column)
            end += 1
        }
        visible = end
        for column in 0..<columns where flags[column] {
            order[end] = Int32(column)
            end += 1
        }
        self.columns = columns
        self.order = order
    }

    /// Draws a mask.
    ///
    /// - Parameters:
    ///   - rule: How masks are drawn.
    ///   - columns: Patches of a lead.
    ///   - random: Where the numbers come from.
    ///   - tape: Whose arena keeps the mask.
    public init(
        drawnBy rule: ColumnMaskRule, columns: Int, random: inout RandomStream, on tape: Tape
    ) {
        let flags = tape.numbers(repeating: false, count: columns)
        rule.draw(into: flags, random: &random)
        self.init(columns: columns, on: tape) { flags[$0] }
    }

    /// Rows of the seen patches, lead by lead.
    ///
    /// - Parameters:
    ///   - leads: Leads of all samples together.
    ///   - tape: Whose arena keeps them.
    /// - Returns: As many as there are visible patches.
    func visibleRows(leads: Int, on tape: Tape) -> TokenRows {
        rows(0..<visible, groups: leads, stride: columns, on: tape)
    }

    /// Rows of the masked patches, lead by lead.
    ///
    /// - Parameters:
    ///   - leads: Leads of all samples together.
    ///   - extraColumns: Tokens of a lead behind its patches.
    ///   - tape: Whose arena keeps them.
    /// - Returns: As many as there are masked patches.
    func maskedRows(leads: Int, extraColumns: Int = 0, on tape: Tape) -> TokenRows {
        rows(visible..<columns, groups: leads, stride: columns + extraColumns, on: tape)
    }

    private func rows(
        _ ranks: Range<Int>, groups: Int, stride: Int, on tape: Tape
    ) -> TokenRows {
        let result = tape.numbers(groups * ranks.count, of: Int32.self)
        var end = 0
        for group in 0..<groups {
            for rank in ranks {
                result[end] = Int32(group * stride) + order[rank]
                end += 1
            }
        }
        return TokenRows(indices: result)
    }
}

/// How masks are drawn.
public enum ColumnMaskRule: Sendable, Equatable {
    /// Four runs of 17.5 to 22.5 % of the patches each, where they fall.
    ///
    /// The published code never starts a run at the last possible place, so the last patch is never masked;
    /// `reachesEnd` mends that.
    case block(reachesEnd: Bool)
    /// 60 to 70 % of the patches, each as likely as any other.
    case random

    func draw(into flags: Numbers<Bool>, random: inout RandomStream) {
        let columns = flags.count
        switch self {
        case .block(let reachesEnd):
            for _ in 0..<4 {
                let share = 0.175 + 0.05 * random.nextDouble()
                let length = Int(Double(columns) * share)
                let starts = columns - length + (reachesEnd ? 1 : 0)
                let start = random.nextInteger(below: starts)
                for column in start..<start + length { flags[column] = true }
            }
        case .random:
            var wanted = Int(Double(columns) * (0.6 + 0.1 * random.nextDouble()))
            // Each patch in turn is taken with the probability that leaves every choice equally likely.
            for column in 0..<columns where wanted > 0 {
                if random.nextInteger(below: columns - column) < wanted {
                    flags[column] = true
                    wanted -= 1
                }
            }
        }
    }

    /// The mean number of visible patches and the mean of its square, over everything that can be drawn.
    public func visibleMoments(columns: Int) -> (mean: Double, square: Double) {
        switch self {
        case .block(let reachesEnd):
            // Four independent runs: a pair is visible when no run covers either.
            var (mean, square) = (0.0, 0.0)
            for i in 0..<columns {
                for j in 0..<columns {
                    let miss = missShare(of: i, j, columns: columns, reachesEnd: reachesEnd)
                    let visible = miss * miss * miss * miss
                    square += visible
                    if i == j { mean += visible }
                }
            }
            return (mean, square)
        case .random:
            return Self.counts(of: columns, from: 0.6, to: 0.7).reduce((0, 0)) { sum, part in
                let visible = Double(columns - part.count)
                return (sum.0 + part.share * visible, sum.1 + part.share * visible * visible)
            }
        }
    }

    /// The probability that one run covers neither of two patches.
    private func missShare(of i: Int, _ j: Int, columns: Int, reachesEnd: Bool) -> Double {
        var total = 0.0
        for part in Self.counts(of: columns, from: 0.175, to: 0.225) {
            let starts = columns - part.count + (reachesEnd ? 1 : 0)
            let missed = (0..<starts).count { start in
                let run = start..<start + part.count
                return !run.contains(i) && !run.contains(j)
            }
            total += part.share * Double(missed) / Double(starts)
        }
        return total
    }

    /// The whole numbers that an evenly drawn part of `columns` is cut to, and how often each.
    private static func counts(
        of columns: Int, from low: Double, to high: Double
    ) -> [(count: Int, share: Double)] {
        let (first, last) = (low * Double(columns), high * Double(columns))
        return (Int(first)...Int(last)).map { count in
            let overlap = min(Double(count + 1), last) - max(Double(count), first)
            return (count, max(0, overlap) / (last - first))
        }
    }
}
