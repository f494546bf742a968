using System.Text.Json;

namespace Updraft.Server.Tests.Deploys;

public sealed class GitBlockTests(SharedServer server) : IClassFixture<SharedServer>
{
    [Theory]
    [InlineData("""{"provider":"GITHUB","commitSha":"abc","account":"acme","repo":"shop"}""")]
    [InlineData("""
        {"provider":"GITHUB","commitSha":"abc","account":"acme","repo":"shop","branch":"main","path":"etl",
         "commitUrl":"https://github.com/acme/shop/commit/abc",
         "authorName":"Ann","authorUsername":"ann","authorUrl":"https://github.com/ann","beforeCommitSha":"abb"}
        """)]
    [InlineData("""{"provider":"GENERIC","commitSha":"abc","remoteUrl":"git@gitlab.example:group/shop.git","branch":"HEAD"}""")]
    public async Task Valid_git_block_is_returned_unchanged(string git)
    {
        var deploys = await DeploysApi.NewDeploymentAsync(server);

        var deploy = await deploys.CreateAsync($$"""{"type":"DAG_ONLY","git":{{git}}}""");

        var stored = (await deploys.GetAsync(deploy.Text("id"))).GetProperty("git");
        Assert.True(JsonElement.DeepEquals(JsonElement.Parse(git), stored), stored.GetRawText());
    }

    [Fact]
    public async Task Empty_text_counts_as_absent()
    {
        var deploys = await DeploysApi.NewDeploymentAsync(server);

        var deploy = await deploys.CreateAsync("""
            {"type":"DAG_ONLY","git":{"provider":"GENERIC","commitSha":"abc","remoteUrl":"ssh://git.example/shop",
             "account":"","repo":"","commitUrl":"","path":""}}
            """);

        Assert.Equal("""{"provider":"GENERIC","commitSha":"abc","remoteUrl":"ssh://git.example/shop"}""",
            deploy.GetProperty("git").GetRawText());
    }

    [Theory]
    [InlineData("https://ci:s3cr3t@gitlab.example/grp/sub/shop.git", "https://gitlab.example/grp/sub/shop.git")]
    [InlineData("https://s3cr3t@gitlab.example/shop.git", "https://gitlab.example/shop.git")]
    [InlineData("https://ci:s3cr3t@x@gitlab.example:8443", "https://gitlab.example:8443")]
    [InlineData("http://:s3cr3t@gitlab.example?a=b@c", "http://gitlab.example?a=b@c")]
    [InlineData("ssh://git:s3cr3t@git.example/shop", "ssh://git.example/shop")]
    [InlineData("https://gitlab.example/a@b", "https://gitlab.example/a@b")]
    [InlineData("git@gitlab.example:grp/shop.git", "git@gitlab.example:grp/shop.git")]
    public async Task Credentials_in_a_remote_are_not_stored(string sent, string stored)
    {
        var deploys = await DeploysApi.NewDeploymentAsync(server);

        var deploy = await deploys.CreateAsync(
            $$$"""{"type":"DAG_ONLY","git":{"provider":"GENERIC","commitSha":"abc","remoteUrl":"{{{sent}}}"}}""");

        Assert.Equal(stored, deploy.GetProperty("git").GetProperty("remoteUrl").GetString());
        Assert.Equal(stored, (await deploys.GetAsync(deploy.Text("id"))).GetProperty("git").GetProperty("remoteUrl").GetString());
    }

    [Fact]
    public async Task Credentials_in_other_git_URLs_are_not_stored()
    {
        var deploys = await DeploysApi.NewDeploymentAsync(server);

        var deploy = await deploys.CreateAsync("""
            {"type":"DAG_ONLY","git":{"provider":"GITHUB","commitSha":"abc","account":"acme","repo":"shop",
             "commitUrl":"https://ci:s3cr3t@github.com/acme/shop/commit/abc","authorUrl":"https://s3cr3t@github.com/ann"}}
            """);

        Assert.DoesNotContain("s3cr3t", (await deploys.GetAsync(deploy.Text("id"))).GetRawText(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Absent_git_block_stays_absent()
    {
        var deploys = await DeploysApi.NewDeploymentAsync(server);

        Assert.False((await deploys.CreateAsync("""{"type":"DAG_ONLY"}""")).Has("git"));
        Assert.False((await deploys.CreateAsync("""{"type":"DAG_ONLY","git":null}""")).Has("git"));
    }

    [Theory]
    [InlineData("git.provider", """{}""")]
    [InlineData("git.provider", """{"commitSha":"abc","account":"acme","repo":"shop"}""")]
    [InlineData("git.provider", """{"provider":"GITLAB","commitSha":"abc","remoteUrl":"ssh://git.example/shop"}""")]
    [InlineData("git.provider", """{"provider":"github","commitSha":"abc","account":"acme","repo":"shop"}""")]
    [InlineData("git.provider", """{"provider":7,"commitSha":"abc"}""")]
    [InlineData("git.commitSha", """{"provider":"GITHUB","account":"acme","repo":"shop"}""")]
    [InlineData("git.commitSha", """{"provider":"GITHUB","commitSha":"","account":"acme","repo":"shop"}""")]
    [InlineData("git.account", """{"provider":"GITHUB","commitSha":"abc","repo":"shop"}""")]
    [InlineData("git.account", """{"provider":"GITHUB","commitSha":"abc","account":"","repo":"shop"}""")]
    [InlineData("git.repo", """{"provider":"GITHUB","commitSha":"abc","account":"acme"}""")]
    [InlineData("git.remoteUrl", """{"provider":"GITHUB","commitSha":"abc","account":"a","repo":"r","remoteUrl":"ssh://a.example"}""")]
    [InlineData("git.remoteUrl", """{"provider":"GENERIC","commitSha":"abc"}""")]
    [InlineData("git.account", """{"provider":"GENERIC","commitSha":"abc","remoteUrl":"ssh://git.example/shop","account":"acme"}""")]
    [InlineData("git.repo", """{"provider":"GENERIC","commitSha":"abc","remoteUrl":"ssh://git.example/shop","repo":"shop"}""")]
    [InlineData("git.commitUrl", """{"provider":"GITHUB","commitSha":"abc","account":"a","repo":"r","commitUrl":"javascript:alert(1)"}""")]
    [InlineData("git.authorUrl", """{"provider":"GITHUB","commitSha":"abc","account":"a","repo":"r","authorUrl":"data:text/html,hi"}""")]
    [InlineData("git", "\"main\"")]
    public async Task Error_about_an_invalid_field_names_the_field(string field, string git)
    {
        var deploys = await DeploysApi.NewDeploymentAsync(server);

        var error = (await deploys.TryCreateAsync($$"""{"type":"DAG_ONLY","git":{{git}}}""")).Refusal();

        Assert.Contains($"'{field}'", error, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("branch", 1024)]
    [InlineData("authorName", 1024)]
    [InlineData("commitUrl", 2048)]
    public async Task Texts_of_the_git_block_have_a_maximum_length(string field, int longest)
    {
        var deploys = await DeploysApi.NewDeploymentAsync(server);
        string Body(int length) => $$$"""
            {"type":"DAG_ONLY","git":{"provider":"GITHUB","commitSha":"abc","account":"acme","repo":"shop",
             "{{{field}}}":"{{{"https://a.example/".PadRight(length, 'x')}}}"}}
            """;

        (await deploys.TryCreateAsync(Body(longest))).Ok();

        Assert.Contains($"git.{field}", (await deploys.TryCreateAsync(Body(longest + 1))).Refusal(), StringComparison.Ordinal);
    }
}
