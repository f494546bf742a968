namespace Updraft.Server.Tests.Conventions;

/// <summary>Comments say more than the signature.</summary>
public sealed class ProseCommentTests
{
    [Fact]
    public void Comments_say_more_than_the_signature() => ProseAllowance.Hold(ProseComments.Rules,
        from file in ProseTree.CSharpFiles()
        from hit in ProseComments.Find(file, ProseTree.Read(file))
        select hit);

    [Theory]
    [InlineData("/// <summary>The deploy's id.</summary>\npublic required string DeployId { get; init; }", "empty-summary")]
    [InlineData("/// <summary>When it was created.</summary>\n[Column]\npublic DateTimeOffset CreatedAt { get; set; }", "empty-summary")]
    [InlineData("/// <summary>As set.</summary>\npublic string? Description { get; init; }", "empty-phrase")]
    [InlineData("/// <summary>The same; absent when there is none.</summary>\npublic string? Tag { get; init; }", "empty-phrase")]
    [InlineData("/// <param name=\"id\">The id.</param>\npublic void Find(string id)", "empty-phrase")]
    [InlineData("/// <param name=\"cancellationToken\">Gives up.</param>\npublic void Find(CancellationToken cancellationToken)", "token-comment")]
    public void An_empty_comment_is_found(string text, string rule) => Assert.Equal([rule], ProseComments.Find("sample.cs", text).Select(hit => hit.Rule));

    [Theory]
    [InlineData("/// <summary>The deploy's id: 25 lower-case letters and digits.</summary>\npublic required string DeployId { get; init; }")]
    [InlineData("/// <summary>Null until the first heartbeat.</summary>\npublic DateTimeOffset? LastSeen { get; set; }")]
    [InlineData("/// <param name=\"id\">The id of the deploy, or of its Deployment.</param>\npublic void Find(string id)")]
    public void A_comment_with_content_is_not_found(string text) => Assert.Empty(ProseComments.Find("sample.cs", text));
}
