using System.Net.Http.Headers;
using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Server.Kestrel.Transport.Sockets;
using Microsoft.Data.Sqlite;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Logging;
using Updraft.Protocol;
using Updraft.Server.Database;
using Updraft.Server.Organizations;
using Updraft.Server.Security;
using Updraft.Server.Tokens;
using Updraft.Server.Workspaces;

namespace Updraft.Testing;

/// <summary>
/// The real server in this process, on a free loopback port, with its own data directory, which disposal deletes. Tests use the server over
/// HTTP. An Organization, a Workspace and an owner token exist.
/// </summary>
internal sealed class UpdraftServer : IAsyncDisposable
{
    private readonly List<HttpClient> _clients = [];
    private readonly LogLines _log = new();
    private readonly ResponseCheck _responses = new();
    private readonly string _folder;
    private readonly TimeProvider? _clock;
    private readonly IReadOnlyDictionary<string, string> _settings;
    private readonly Action<WebApplication>? _addRoutes;
    private readonly ReservedPort _port = new();
    private TestDatabase? _database;
    private IReadOnlyDictionary<string, string>? _storage;
    private WebApplication? _app;

    private UpdraftServer(string folder, TimeProvider? clock, IReadOnlyDictionary<string, string> settings,
        Action<WebApplication>? addRoutes)
    {
        (_folder, _clock, _settings, _addRoutes) = (folder, clock, settings, addRoutes);
        BaseAddress = new Uri($"http://127.0.0.1:{_port.Number}/");
        Anonymous = Open(token: null);
        Client = Anonymous;
    }

    public Uri BaseAddress { get; }

    /// <summary>Client with the owner token.</summary>
    public HttpClient Client { get; private set; }

    /// <summary>Client without a token.</summary>
    public HttpClient Anonymous { get; }

    public string OrganizationId { get; } = "corg00000000000000000test";

    public string WorkspaceId { get; } = "cwsp00000000000000000test";

    public string OwnerToken { get; private set; } = "";

    public string DataDirectory => _settings.GetValueOrDefault("Data") ?? Path.Join(_folder, "data");

    /// <summary>Connection string of its PostgreSQL; null on SQLite.</summary>
    public string? ConnectionString => _settings.GetValueOrDefault("Database:ConnectionString") ?? _database?.ConnectionString;

    /// <summary>Arguments with which a command of the program finds the same data.</summary>
    public IReadOnlyList<string> DataArguments =>
        [$"--Data={DataDirectory}", .. ConnectionString is { } database ? (string[])[$"--Database:ConnectionString={database}"] : []];

    /// <summary>Output for the operator on the console at the first start.</summary>
    public string ConsoleText { get; private set; } = "";

    /// <summary>All formatted log messages.</summary>
    public string LogText => _log.Text;

    /// <summary>Settings of the latest start.</summary>
    public IReadOnlyDictionary<string, string> Settings { get; private set; } = new Dictionary<string, string>(StringComparer.Ordinal);

    /// <summary>Path of the Organization, without a slash at its end.</summary>
    public string OrganizationPath => $"/v1/organizations/{OrganizationId}";

    /// <summary>The service container, only for state that no request can create, such as a second Organization.</summary>
    public IServiceProvider Services => _app?.Services ?? throw new InvalidOperationException("The server is stopped.");

    /// <param name="clock">Clock of the server; the system's by default.</param>
    /// <param name="settings">Settings beyond the ones that tests need, e.g. <c>Uploads:MaxBytes</c>.</param>
    /// <param name="addRoutes">Adds routes for the test.</param>
    public static async Task<UpdraftServer> StartAsync(TimeProvider? clock = null, IReadOnlyDictionary<string, string>? settings = null,
        Action<WebApplication>? addRoutes = null)
    {
        var folder = Directory.CreateTempSubdirectory("updraft-test-").FullName;
        var server = new UpdraftServer(folder, clock, settings ?? new Dictionary<string, string>(StringComparer.Ordinal), addRoutes);
        if (!server._settings.ContainsKey("Database:ConnectionString"))
            server._database = await TestDatabase.CreateAsync();
        try
        {
            if (server.ConnectionString is null)
                await SqliteTemplate.CopyAsync(server.DataDirectory);
            await server.RunAsync();
            return server;
        }
        catch
        {
            // Disposal releases the data directory, so that a test can start another server.
            if (server._app is { } app)
                await app.DisposeAsync();
            if (server._database is not null)
                await server._database.DisposeAsync();
            server._port.Dispose();
            throw;
        }
    }

    /// <summary>Stops the server and starts it again with the same URL and data.</summary>
    public async Task RestartAsync()
    {
        await StopAsync();
        await RunAsync();
    }

    public async Task StopAsync()
    {
        if (_app is { } app)
        {
            _app = null;
            await app.StopAsync(TestContext.Current.CancellationToken);
            await app.DisposeAsync();
        }
    }

    /// <summary>Creates a Deployment and returns its id.</summary>
    public async Task<string> CreateDeploymentAsync(string name = "orders", string? workspaceId = null, bool isDagDeployEnabled = true,
        bool isCicdEnforced = false, string? runtimeVersion = null, HttpClient? client = null)
    {
        var body = new JsonObject
        {
            ["name"] = name,
            ["workspaceId"] = workspaceId ?? WorkspaceId,
            ["isDagDeployEnabled"] = isDagDeployEnabled,
            ["isCicdEnforced"] = isCicdEnforced,
            ["astroRuntimeVersion"] = runtimeVersion,
        };
        var created = await (client ?? Client).PostOkAsync($"{OrganizationPath}/deployments", body);
        return created.Text("id");
    }

    public async Task<string> CreateWorkspaceAsync(string name) =>
        (await Client.PostOkAsync($"{OrganizationPath}/workspaces", new JsonObject { ["name"] = name })).Text("id");

    /// <summary>Creates an API token.</summary>
    /// <param name="scope"><c>ORGANIZATION</c>, <c>WORKSPACE</c> or <c>DEPLOYMENT</c>.</param>
    /// <param name="role">E.g. <c>WORKSPACE_MEMBER</c>.</param>
    /// <param name="entityId">The Workspace or Deployment.</param>
    /// <param name="days">Lifetime in days; null for no expiry.</param>
    public async Task<string> CreateTokenAsync(string scope, string role, string? entityId = null, int? days = null)
    {
        var body = new JsonObject
        {
            ["name"] = $"test {role}",
            ["scope"] = scope,
            ["role"] = role,
            ["entityId"] = entityId,
            ["tokenExpiryPeriodInDays"] = days,
        };
        return (await Client.PostOkAsync($"{OrganizationPath}/tokens", body)).Text("token");
    }

    public async Task<string> CreateAgentTokenAsync(string deploymentId) => (await Client.PostOkAsync(
        $"{OrganizationPath}/deployments/{deploymentId}/agent-tokens", new JsonObject { ["name"] = "agent" })).Text("token");

    /// <summary>Creates a second Organization, which no request can; returns its id, its Workspace and its owner token.</summary>
    public async Task<(string OrganizationId, string WorkspaceId, string Token)> AddOrganizationAsync(string name)
    {
        await using var scope = Services.CreateAsyncScope();
        var db = scope.ServiceProvider.GetRequiredService<UpdraftDbContext>();
        var clock = scope.ServiceProvider.GetRequiredService<TimeProvider>();
        var (now, by) = (clock.GetUtcNow(), new SubjectProfile("test", SubjectKind.User, "test"));
        var organization = new Organization
        {
            Id = new Protocol.OrganizationId(EntityId.New(clock)),
            Name = name,
            CreatedAt = now,
            CreatedBy = by,
            UpdatedAt = now,
            UpdatedBy = by,
        };
        var workspace = new Workspace
        {
            Id = new Protocol.WorkspaceId(EntityId.New(clock)),
            OrganizationId = organization.Id,
            Name = name,
            CreatedAt = now,
            CreatedBy = by,
            UpdatedAt = now,
            UpdatedBy = by,
        };
        var (row, token) = scope.ServiceProvider.GetRequiredService<IssueToken>().Run(new TokenSpec
        {
            Kind = TokenKind.Api,
            Role = Role.OrganizationOwner,
            Organization = organization.Id,
            Name = $"{name} owner",
        });
        db.AddRange(organization, workspace, row);
        await db.SaveChangesAsync(TestContext.Current.CancellationToken);
        return (organization.Id.Value, workspace.Id.Value, token);
    }

    /// <summary>Creates a user as a sign-in at an identity provider does; returns the tokens of their login.</summary>
    /// <param name="email">Email address, which is also the subject at the provider.</param>
    /// <param name="claims">Further claims of the provider.</param>
    public async Task<(string UserId, string AccessToken, string RefreshToken)> AddUserAsync(
        string email, params (string Type, string Value)[] claims)
    {
        await using var scope = Services.CreateAsyncScope();
        var (signIn, logins) = (scope.ServiceProvider.GetRequiredService<Updraft.Server.SignIn.SignInUser>(),
            scope.ServiceProvider.GetRequiredService<Updraft.Server.SignIn.LoginTokens>());
        var further = claims.Select(claim => new System.Security.Claims.Claim(claim.Type, claim.Value));
        var user = await signIn.RunAsync("https://provider.example",
            [new("sub", email), new("email", email), new("name", $"Name of {email}"), .. further], TestContext.Current.CancellationToken);
        var tokens = await logins.BeginAsync(user.Id, TestContext.Current.CancellationToken);
        return (user.Id.Value, tokens!.Access, tokens.Refresh);
    }

    public HttpClient ClientWith(string token) => Open(token);

    public async ValueTask DisposeAsync()
    {
        await StopAsync();
        _port.Dispose();
        foreach (var client in _clients)
            client.Dispose();
        using (var connection = new SqliteConnection($"Data Source={Path.Join(DataDirectory, "database", "updraft.db")}"))
            SqliteConnection.ClearPool(connection);
        if (_database is not null)
            await _database.DisposeAsync();
        Directory.Delete(_folder, recursive: true);
        _responses.AssertAllRight();
    }

    private async Task RunAsync()
    {
        var tokenFile = Path.Join(_folder, "owner-token");
        var settings = new Dictionary<string, string>(StringComparer.OrdinalIgnoreCase)
        {
            ["Data"] = DataDirectory,
            ["Listen"] = BaseAddress.ToString().TrimEnd('/'),
            ["PublicUrl"] = BaseAddress.ToString().TrimEnd('/'),
            ["Bootstrap:OrganizationId"] = OrganizationId,
            ["Bootstrap:WorkspaceId"] = WorkspaceId,
            ["Bootstrap:OwnerTokenFile"] = tokenFile,
        };
        if (_database is not null)
            settings["Database:ConnectionString"] = _database.ConnectionString;
        // A test that selects a store also provides its keys.
        _storage ??= _settings.ContainsKey("Storage:Url") ? TestStorage.Folder : await TestStorage.ChooseAsync();
        foreach (var (name, value) in _storage.Concat(_settings))
            settings[name] = value;
        Settings = settings;
        var app = Updraft.Server.Program.Create([.. settings.Select(setting => $"--{setting.Key}={setting.Value}")], builder =>
        {
            builder.Logging.ClearProviders().AddProvider(_log);
            builder.Services.AddSingleton<IStartupFilter>(_responses);
            builder.Services.Configure<SocketTransportOptions>(options => options.CreateBoundListenSocket = _port.Open);
            if (_clock is not null)
                builder.Services.Replace(ServiceDescriptor.Singleton(_clock));
        });
        _app = app;
        _addRoutes?.Invoke(app);
        using var console = new StringWriter();
        await Updraft.Server.Program.StartAsync(app, console);
        ConsoleText += console.ToString();
        if (OwnerToken.Length == 0)
        {
            OwnerToken = settings.TryGetValue("Bootstrap:OwnerToken", out var chosen) ? chosen
                : File.Exists(tokenFile) ? (await File.ReadAllTextAsync(tokenFile, TestContext.Current.CancellationToken)).Trim()
                : (await File.ReadAllTextAsync(Path.Join(DataDirectory, "owner-token"), TestContext.Current.CancellationToken)).Trim();
            Client = Open(OwnerToken);
        }
    }

    private HttpClient Open(string? token)
    {
        // On a busy machine, the first request compiles much code and can exceed the default of 100 seconds.
        var client = new HttpClient { BaseAddress = BaseAddress, Timeout = TimeSpan.FromMinutes(5) };
        if (token is not null)
            client.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", token);
        _clients.Add(client);
        return client;
    }
}
