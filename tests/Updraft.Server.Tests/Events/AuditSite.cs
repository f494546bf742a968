using System.Text.Json.Nodes;

namespace Updraft.Server.Tests.Events;

/// <summary>Reads the audit log through the API.</summary>
internal static class AuditSite
{
    /// <summary>URL of the log.</summary>
    public static string LogPath(this UpdraftServer server) => $"/updraft/v1/organizations/{server.OrganizationId}/audit-log";

    /// <summary>A page of events, newest first.</summary>
    public static async Task<IReadOnlyList<JsonObject>> ReadLogAsync(this UpdraftServer server, string query = "limit=1000",
        HttpClient? client = null) =>
        [.. (await (client ?? server.Client).GetOkAsync($"{server.LogPath()}?{query}"))["events"]!.AsArray()
            .Select(row => row!.AsObject())];

    /// <summary>Number of events.</summary>
    public static async Task<long> CountLogAsync(this UpdraftServer server) =>
        (await server.Client.GetOkAsync($"{server.LogPath()}?limit=0"))["totalCount"]!.GetValue<long>();

    /// <summary>The types of the events after a number of earlier ones, oldest first.</summary>
    public static async Task<IReadOnlyList<string>> TypesSinceAsync(this UpdraftServer server, long count) =>
        [.. (await server.ReadLogAsync()).Take((int)(await server.CountLogAsync() - count)).Select(row => row.Text("type")).Reverse()];
}
