using System.Diagnostics;
using System.Text.Json;
using System.Text.RegularExpressions;
using Updraft.Server.Tests.Conventions;

namespace Updraft.Server.Tests.Webhooks;

/// <summary>Checks signatures with the Python program of docs/how-to/webhooks-and-slack.md. It shares no code with the server.</summary>
internal static partial class SignatureCheck
{
    private const string Run = """

        import json
        queried = json.load(sys.stdin)
        print(verify(queried["secret"], queried["headers"], base64.b64decode(queried["body"])))
        """;

    /// <summary>Whether the signature is valid.</summary>
    public static async Task<bool> IsGoodAsync(string secret, ReceivedWebhook received, byte[]? body = null)
    {
        var program = Python().Matches(SourceTree.Read("docs/how-to/webhooks-and-slack.md")).Select(match => match.Groups["code"].Value)
            .Single(code => code.Contains("def verify", StringComparison.Ordinal));
        using var process = Process.Start(new ProcessStartInfo("python3", ["-c", program + Run])
        {
            UseShellExecute = false,
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        })!;
        var error = process.StandardError.ReadToEndAsync(TestContext.Current.CancellationToken);
        await process.StandardInput.WriteAsync(JsonSerializer.Serialize(new
        {
            secret,
            headers = received.Headers.ToDictionary(header => header.Key.ToLowerInvariant(), header => header.Value,
                StringComparer.Ordinal),
            body = Convert.ToBase64String(body ?? received.Body),
        }));
        process.StandardInput.Close();
        var output = await process.StandardOutput.ReadToEndAsync(TestContext.Current.CancellationToken);
        await process.WaitForExitAsync(TestContext.Current.CancellationToken);
        Assert.True(process.ExitCode == 0, await error);
        return output.Trim() == "True";
    }

    [GeneratedRegex(@"^```python\n(?<code>.*?)^```", RegexOptions.Multiline | RegexOptions.Singleline)]
    private static partial Regex Python();
}
