using System.Globalization;

namespace Updraft.Server.Tests.Clients;

/// <summary>The row that every replay ends with: a command of a client, how many requests it took, and what it shows.</summary>
internal static class ReplayTable
{
    /// <summary>Writes the row of a command of the CLI.</summary>
    public static void Show(string command, CliReplay cli, string result) => Show(command, cli.Sent.Count, result);

    /// <summary>Writes the row of any client's command.</summary>
    public static void Show(string command, int requests, string result) => TestContext.Current.TestOutputHelper!.WriteLine(
        string.Create(CultureInfo.InvariantCulture, $"| {command,-60} | {requests,2} requests | {result} |"));
}
