using System.Net;
using System.Text.Json.Nodes;

namespace Updraft.Server.Tests.Tokens;

public sealed class BootstrapTests
{
    private const string ChosenToken = "an-operator-chose-this-token-0123456789-abcdefghij";

    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    [Fact]
    public async Task First_start_creates_the_configured_objects_and_names_the_token_file()
    {
        await using var server = await UpdraftServer.StartAsync(settings: Settings(
            ("Bootstrap:OrganizationName", "Ministry of Air"), ("Bootstrap:WorkspaceName", "Balloons")));
        var organization = await server.Client.GetOkAsync(server.OrganizationPath);
        var workspace = await server.Client.GetOkAsync($"{server.OrganizationPath}/workspaces/{server.WorkspaceId}");
        Assert.Equal(("Ministry of Air", "Balloons"), (organization.Text("name"), workspace.Text("name")));
        Assert.Contains(server.OrganizationId, server.ConsoleText, StringComparison.Ordinal);
        Assert.Contains(server.WorkspaceId, server.ConsoleText, StringComparison.Ordinal);
        Assert.DoesNotContain(server.OwnerToken, server.ConsoleText, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Token_file_is_readable_by_its_owner_only()
    {
        await using var server = await UpdraftServer.StartAsync();
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite,
            File.GetUnixFileMode(Path.Join(server.DataDirectory, "..", "owner-token")));
    }

    [Fact]
    public async Task Owner_token_is_by_default_in_a_file_and_never_printed()
    {
        await using var server = await UpdraftServer.StartAsync(settings: Settings(("Bootstrap:OwnerTokenFile", "")));
        var file = Path.Join(server.DataDirectory, "owner-token");
        var token = (await File.ReadAllTextAsync(file, Cancelled)).Trim();
        await server.ClientWith(token).GetOkAsync(server.OrganizationPath);
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(file));
        Assert.Contains(file, server.ConsoleText, StringComparison.Ordinal);
        await server.RestartAsync();
        Assert.DoesNotContain(token, server.ConsoleText + server.LogText, StringComparison.Ordinal);
        Assert.Contains($"The owner token is still in the file {file}", server.LogText, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Later_start_creates_nothing()
    {
        await using var server = await UpdraftServer.StartAsync();
        await server.RestartAsync();
        Assert.Equal(2, server.ConsoleText.Split("first Organization").Length);
        Assert.Equal(1, (await server.Client.GetOkAsync($"{server.OrganizationPath}/tokens"))["totalCount"]!.GetValue<int>());
        Assert.Equal(1, (await server.Client.GetOkAsync($"{server.OrganizationPath}/workspaces"))["totalCount"]!.GetValue<int>());
    }

    [Fact]
    public async Task Configured_owner_token_is_valid_and_not_printed()
    {
        await using var server = await UpdraftServer.StartAsync(settings: Settings(("Bootstrap:OwnerToken", ChosenToken)));
        var created = await server.ClientWith(ChosenToken).PostOkAsync($"{server.OrganizationPath}/workspaces",
            new JsonObject { ["name"] = "w" });
        Assert.Equal("owner", created["createdBy"]!["apiTokenName"]!.GetValue<string>());
        Assert.DoesNotContain(ChosenToken, server.ConsoleText, StringComparison.Ordinal);
        using var similar = await server.ClientWith(ChosenToken + "k").GetAsync(server.OrganizationPath, Cancelled);
        Assert.Equal(HttpStatusCode.Unauthorized, similar.StatusCode);
    }

    [Fact]
    public async Task Configured_owner_token_is_not_stored()
    {
        await using var server = await UpdraftServer.StartAsync(settings: Settings(("Bootstrap:OwnerToken", ChosenToken)));
        await server.Client.GetOkAsync(server.OrganizationPath);
        await server.StopAsync();
        foreach (var path in Directory.EnumerateFiles(server.DataDirectory, "*", SearchOption.AllDirectories))
            Assert.False((await File.ReadAllBytesAsync(path, Cancelled)).AsSpan().IndexOf("an-operator-chose"u8) >= 0, path);
    }

    private static Dictionary<string, string> Settings(params (string Name, string Value)[] settings) =>
        settings.ToDictionary(setting => setting.Name, setting => setting.Value, StringComparer.Ordinal);
}
