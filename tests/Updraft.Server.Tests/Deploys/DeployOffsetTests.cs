using System.Text.Json.Nodes;

namespace Updraft.Server.Tests.Deploys;

/// <summary>Pages of the deploy history: an offset counts rows.</summary>
public sealed class DeployOffsetTests(DeployOffsetTests.History history) : IClassFixture<DeployOffsetTests.History>
{
    public static TheoryData<int, int> Pages
    {
        get
        {
            var pages = new TheoryData<int, int>();
            for (var offset = 0; offset <= History.Count + 1; offset++)
            {
                foreach (var limit in (int[])[0, 1, 2, 3, History.Count])
                    pages.Add(offset, limit);
            }
            return pages;
        }
    }

    [Theory]
    [MemberData(nameof(Pages))]
    public async Task Search_with_an_offset_skips_exactly_that_many_rows(int offset, int limit) =>
        await AssertPageAsync($"search=nightly&offset={offset}&limit={limit}", history.Matching, offset, limit);

    [Theory]
    [MemberData(nameof(Pages))]
    public async Task Search_by_creator_with_an_offset_skips_exactly_that_many_rows(int offset, int limit) =>
        await AssertPageAsync($"search=nightly&subjectId={history.Creator}&offset={offset}&limit={limit}", history.Matching, offset, limit);

    [Theory]
    [MemberData(nameof(Pages))]
    public async Task History_with_an_offset_skips_exactly_that_many_rows(int offset, int limit) =>
        await AssertPageAsync($"offset={offset}&limit={limit}", history.All, offset, limit);

    private async Task AssertPageAsync(string query, IReadOnlyList<string> all, int offset, int limit)
    {
        var page = await history.Server.Client.GetOkAsync($"{history.Deploys}?{query}");
        Assert.Equal(all.Skip(offset).Take(limit), page["deploys"]!.AsArray().Select(deploy => deploy!.AsObject().Text("id")));
        Assert.Equal((all.Count, offset, limit), ((int)page["totalCount"]!, (int)page["offset"]!, (int)page["limit"]!));
    }

    /// <summary>A Deployment with five deploys that a search finds, and others between them.</summary>
    public sealed class History : IAsyncLifetime
    {
        public const int Count = 5;

        private readonly List<string> _all = [], _matching = [];
        private UpdraftServer? _server;

        internal UpdraftServer Server => _server ?? throw new InvalidOperationException("The server has not started.");

        /// <summary>All deploys, newest first.</summary>
        internal IReadOnlyList<string> All => _all;

        /// <summary>The deploys that the search finds, newest first.</summary>
        internal IReadOnlyList<string> Matching => _matching;

        internal string Deploys { get; private set; } = "";

        internal string Creator { get; private set; } = "";

        public async ValueTask InitializeAsync()
        {
            _server = await UpdraftServer.StartAsync();
            var deployment = await Server.CreateDeploymentAsync("with a history");
            Deploys = $"/v1alpha1/organizations/{Server.OrganizationId}/deployments/{deployment}/deploys";
            for (var i = 0; i < Count; i++)
            {
                _matching.Insert(0, await CreateAsync($"nightly {i}"));
                await CreateAsync($"by hand {i}");
            }
        }

        public async ValueTask DisposeAsync()
        {
            if (_server is not null)
                await _server.DisposeAsync();
        }

        private async Task<string> CreateAsync(string description)
        {
            var deploy = await Server.Client.PostOkAsync(Deploys, new JsonObject { ["type"] = "IMAGE", ["description"] = description });
            Creator = deploy["createdBySubject"]!.AsObject().Text("id");
            _all.Insert(0, deploy.Text("id"));
            return deploy.Text("id");
        }
    }
}
