using System.Globalization;
using System.Text.RegularExpressions;

namespace Updraft.Bench;

/// <summary>The load generator wrk.</summary>
internal static partial class Wrk
{
    /// <summary>Measures the requests per second; every response must have the status 200.</summary>
    public static async Task<double> RunAsync(Uri url, int connections, int seconds, params string[] headers)
    {
        string[] options = [.. headers.SelectMany(header => new[] { "-H", header })];
        var output = await ChildProcess.RunAsync(["wrk", "-t1", $"-c{connections}", $"-d{seconds}s", .. options, url.AbsoluteUri]);
        if (output.Contains("Non-2xx", StringComparison.Ordinal) || output.Contains("Socket errors", StringComparison.Ordinal)
            || RequestsPerSecond().Match(output) is not { Success: true } match)
            throw new BenchException($"wrk reports errors at {url}\n{output}");
        return double.Parse(match.Groups["rate"].Value, CultureInfo.InvariantCulture);
    }

    [GeneratedRegex(@"Requests/sec:\s+(?<rate>[0-9.]+)", RegexOptions.ExplicitCapture, matchTimeoutMilliseconds: 1000)]
    private static partial Regex RequestsPerSecond();
}
