using System.Globalization;
using System.Reflection;
using System.Text;
using System.Text.RegularExpressions;
using Updraft.Server.Api;

namespace Updraft.Server.Tests.Conventions;

/// <summary>The error codes are the fields of the <c>…Errors</c> classes, and docs/reference/errors.md is generated from them.</summary>
public sealed partial class ErrorCatalogTests
{
    private const string Introduction = """
        # Error reference

        > **Reference.** For authors of scripts and clients: you get all error codes, with their status and their next step.

        Every error response has the response header `x-error-code` with one of these codes. The code is stable, so compare the
        code in a script, and not the message. The body is `{"message": …, "requestId": …, "statusCode": …}`, and the message
        names the value that is wrong. Three groups of URLs have the body that their protocol demands: `/v2/`,
        `/registry/token` and `/oauth/`.

        The server logs each error with its request ID, which is also in the response header `x-request-id`.

        """;

    private static IEnumerable<(Type Group, string Name, ErrorCode Code)> Codes() =>
        from type in typeof(Program).Assembly.GetTypes()
        from field in type.GetFields(BindingFlags.Public | BindingFlags.NonPublic | BindingFlags.Static | BindingFlags.DeclaredOnly)
        where field.FieldType == typeof(ErrorCode)
        select (type, field.Name, (ErrorCode)field.GetValue(null)!);

    [Fact]
    public void Error_reference_matches_the_codes()
    {
        var text = new StringBuilder(Introduction);
        foreach (var group in Codes().GroupBy(entry => entry.Group).OrderBy(group => Order(group.Key), StringComparer.Ordinal))
        {
            text.Append(CultureInfo.InvariantCulture, $"\n## {Heading(group.Key)}\n");
            text.Append(CultureInfo.InvariantCulture,
                $"{GeneratedDocument.Wrap(GeneratedDocument.Read($"T:{group.Key.FullName}", "summary", member => member))}\n\n");
            text.Append("| Code | Status | Meaning | Next step |\n| --- | --- | --- | --- |\n");
            foreach (var (_, _, code) in group.OrderBy(entry => entry.Code.StatusCode)
                .ThenBy(entry => entry.Code.Id, StringComparer.Ordinal))
                text.Append(CultureInfo.InvariantCulture, $"| `{code.Id}` | {code.StatusCode} | {GeneratedDocument.Cell(code.Meaning)} | "
                    + $"{GeneratedDocument.Cell(code.NextStep)} |\n");
        }
        GeneratedDocument.AssertCurrent("docs/reference/errors.md", text.ToString());
    }

    [Fact]
    public void Codes_are_public_readonly_fields_of_error_classes() => Assert.Equal([], Codes()
        .Where(entry => !entry.Group.Name.EndsWith("Errors", StringComparison.Ordinal)
            || entry.Group.GetField(entry.Name) is not { IsInitOnly: true })
        .Select(entry => $"{entry.Group.Name}.{entry.Name}"));

    [Fact]
    public void Codes_are_unique_and_snake_case()
    {
        Assert.Equal([], Codes().GroupBy(entry => entry.Code.Id, StringComparer.Ordinal).Where(group => group.Count() > 1)
            .Select(group => $"{group.Key}: {string.Join(", ", group.Select(entry => $"{entry.Group.Name}.{entry.Name}"))}"));
        Assert.Equal([], Codes().Where(entry => !SnakeCase().IsMatch(entry.Code.Id)).Select(entry => entry.Code.Id));
    }

    [Fact]
    public void Codes_have_a_status_a_meaning_and_a_next_step() => Assert.Equal([], Codes()
        .Where(entry => entry.Code.StatusCode is < 400 or > 599 || !IsSentence(entry.Code.Meaning) || !IsSentence(entry.Code.NextStep))
        .Select(entry => entry.Code.Id));

    [Fact]
    public void Every_code_is_used()
    {
        var sources = SourceTree.CSharpFiles("src/Updraft.Server").Select(File.ReadAllText).ToList();
        Assert.Equal([], Codes().Where(entry =>
            !sources.Any(source => source.Contains($"{entry.Group.Name}.{entry.Name}", StringComparison.Ordinal)
            || Regex.Count(source, $@"\b{entry.Name}\b") > 1 && source.Contains($"class {entry.Group.Name}", StringComparison.Ordinal)))
            .Select(entry => $"{entry.Group.Name}.{entry.Name} is never used. Use it, or delete it."));
    }

    [Fact]
    public void Errors_name_a_code_and_not_a_status() => Assert.Equal([], SourceTree.CSharpFiles("src/Updraft.Server")
        .Where(file => StatusError().IsMatch(File.ReadAllText(file)))
        .Select(file => $"{SourceTree.Relative(file)} creates an ApiException with a status. Use a code of an …Errors class."));

    private static string Order(Type group) => group == typeof(RequestErrors) ? "" : group.FullName!;

    /// <summary><c>RequestErrors</c> becomes "Request errors".</summary>
    private static string Heading(Type group) => string.Join(' ', Word().Matches(group.Name)
        .Select((match, index) => index == 0 ? match.Value : match.Value.ToLowerInvariant()));

    private static bool IsSentence(string text) => text.Length > 10 && char.IsUpper(text[0]) && text.EndsWith('.');

    [GeneratedRegex(@"new ApiException\(\s*StatusCodes\.")]
    private static partial Regex StatusError();

    [GeneratedRegex("^[a-z0-9]+(_[a-z0-9]+)*$")]
    private static partial Regex SnakeCase();

    [GeneratedRegex("[A-Z][a-z0-9]*")]
    private static partial Regex Word();
}
