using Updraft.Protocol.Api;
using Updraft.Server.Api;

namespace Updraft.Server.Deploys;

/// <summary>The rules of the <c>git</c> object. An empty text counts as absent.</summary>
internal static class GitBlock
{
    private const string GitHub = "GITHUB", Generic = "GENERIC";
    private const int MaxText = 1024, MaxUrl = 2048;

    /// <summary>Checks the object and makes it what is stored; null when there is none.</summary>
    /// <exception cref="ApiException">400: something is missing, does not belong to the provider, or is too long.</exception>
    public static DeployGit? Read(DeployGitBlock? git)
    {
        if (git is null)
            return null;
        var read = new DeployGit
        {
            Provider = Text("provider", git.Provider) is GitHub or Generic
                ? git.Provider!
                : throw ApiException.BadRequest($"The field 'git.provider' must be one of {GitHub}, {Generic}."),
            CommitSha = Text("commitSha", git.CommitSha) ?? throw ApiException.BadRequest("The field 'git.commitSha' is required."),
            Account = Text("account", git.Account),
            Repo = Text("repo", git.Repo),
            RemoteUrl = Text("remoteUrl", git.RemoteUrl, MaxUrl),
            Branch = Text("branch", git.Branch),
            Path = Text("path", git.Path),
            CommitUrl = Page("commitUrl", git.CommitUrl),
            AuthorName = Text("authorName", git.AuthorName),
            AuthorUsername = Text("authorUsername", git.AuthorUsername),
            AuthorUrl = Page("authorUrl", git.AuthorUrl),
            BeforeCommitSha = Text("beforeCommitSha", git.BeforeCommitSha),
        };
        var isGitHub = read.Provider == GitHub;
        Demand("account", read.Account, read.Provider, isGitHub);
        Demand("repo", read.Repo, read.Provider, isGitHub);
        Demand("remoteUrl", read.RemoteUrl, read.Provider, !isGitHub);
        return read;
    }

    private static string? Text(string field, string? text, int max = MaxText)
    {
        TextLimit.Check(text, $"git.{field}", max);
        return string.IsNullOrEmpty(text) ? null : text;
    }

    /// <summary>An address that people click on: <c>javascript:</c> and its kind must not get that far.</summary>
    private static string? Page(string field, string? text)
    {
        var address = Text(field, text, MaxUrl);
        // Whitespace is refused before the parser sees it: it trims what stands around an address, and browsers take tabs and newlines out of one.
        return address is null || (!address.Any(c => char.IsControl(c) || char.IsWhiteSpace(c))
                && Uri.TryCreate(address, UriKind.Absolute, out var uri) && uri is { Scheme: "http" or "https" })
            ? address
            : throw ApiException.BadRequest($"The field 'git.{field}' must be an absolute http or https address.");
    }

    private static void Demand(string field, string? value, string provider, bool wanted)
    {
        if (wanted && value is null)
            throw ApiException.BadRequest($"The field 'git.{field}' is required for the provider {provider}.");
        if (!wanted && value is not null)
            throw ApiException.BadRequest($"The field 'git.{field}' must be absent for the provider {provider}.");
    }
}
