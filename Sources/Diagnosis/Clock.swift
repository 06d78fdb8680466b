import Foundation
import Runtime

/// Whether time goes on evenly, and agrees with that of other machines.
public enum Clock {
    /// Looks at the kernel's clock source and at its synchronisation.
    public static func finding() -> Finding {
        let source =
            Kernel.text("/sys/devices/system/clocksource/clocksource0/current_clocksource")?
            .trimmingCharacters(in: .whitespacesAndNewlines) ?? "unknown"
        var resolution = timespec()
        clock_getres(CLOCK_MONOTONIC, &resolution)
        let pause = longestPauseSeconds(during: .milliseconds(100))
        let values: [String: JSONValue] = [
            "source": .string(source),
            "resolution_nanoseconds": .integer(Int64(resolution.tv_nsec)),
            "longest_pause_milliseconds": .number(pause * 1000),
        ]
        let text =
            "source \(source), resolution \(resolution.tv_nsec) ns, longest pause "
            + String(format: "%.1f ms", pause * 1000)
        if pause > 0.25 {
            return Finding(
                "clock", .problem, text,
                remedy: "this machine stops for longer than a heartbeat (a busy host of a virtual "
                    + "machine?); raise --failure-timeout",
                values: values)
        }
        if source == "hpet" || source == "acpi_pm" {
            return Finding(
                "clock", .warning, "\(text); reading this clock is slow",
                remedy: "boot with clocksource=tsc where the processor's is stable",
                values: values)
        }
        return Finding("clock", .good, text, values: values)
    }

    /// The longest time between two readings of a loop that does nothing else.
    private static func longestPauseSeconds(during duration: Duration) -> Double {
        let started = ContinuousClock.now
        var last = started
        var longest = Duration.zero
        while last - started < duration {
            let now = ContinuousClock.now
            longest = max(longest, now - last)
            last = now
        }
        let (seconds, attoseconds) = longest.components
        return Double(seconds) + Double(attoseconds) * 1e-18
    }
}
