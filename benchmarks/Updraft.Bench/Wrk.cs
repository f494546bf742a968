using System.Globalization;
using System.Text.RegularExpressions;

namespace Updraft.Bench;

/// <summary>The load generator wrk.</summary>
internal static partial class Wrk
{
    /// <summary>Requests per second that were answered with 200.</summary>
    public static async Task<double> RunAsync(Uri address, int connections, int seconds, params string[] headers)
    {
        var output = await ChildProcess.RunAsync(["wrk", "-t1", $"-c{connections}", $"-d{seconds}s", .. headers.SelectMany(header => new[] { "-H", header }),
            address.AbsoluteUri]);
        if (output.Contains("Non-2xx", StringComparison.Ordinal) || output.Contains("Socket errors", StringComparison.Ordinal)
            || RequestsPerSecond().Match(output) is not { Success: true } match)
            throw new BenchException($"wrk met errors at {address}\n{output}");
        return double.Parse(match.Groups["rate"].Value, CultureInfo.InvariantCulture);
    }

    [GeneratedRegex(@"Requests/sec:\s+(?<rate>[0-9.]+)", RegexOptions.ExplicitCapture, matchTimeoutMilliseconds: 1000)]
    private static partial Regex RequestsPerSecond();
}
