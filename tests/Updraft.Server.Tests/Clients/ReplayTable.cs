using System.Globalization;

namespace Updraft.Server.Tests.Clients;

/// <summary>The last row of a replay: the command of a client, its number of requests, and its result.</summary>
internal static class ReplayTable
{
    /// <summary>Writes the row of a CLI command.</summary>
    public static void Show(string command, CliReplay cli, string result) => Show(command, cli.Sent.Count, result);

    /// <summary>Writes the row for a command of any client.</summary>
    public static void Show(string command, int requests, string result) => TestContext.Current.TestOutputHelper!.WriteLine(
        string.Create(CultureInfo.InvariantCulture, $"| {command,-60} | {requests,2} requests | {result} |"));
}
