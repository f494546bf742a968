using System.Globalization;
using System.Reflection;
using System.Text.RegularExpressions;

namespace Updraft.Server.Tests.Conventions;

public sealed partial class TrapTests
{
    [Fact]
    public void Every_trap_of_the_clients_has_a_test()
    {
        var tested = typeof(TrapTests).Assembly.GetTypes().SelectMany(type => type.GetMethods())
            .Where(method => method.GetCustomAttribute<FactAttribute>() is not null)
            .SelectMany(method => TrapName().Matches(method.Name))
            .SelectMany(match => match.Groups["number"].Captures)
            .Select(number => int.Parse(number.Value, CultureInfo.InvariantCulture)).ToHashSet();

        var missing = Enumerable.Range(1, 25).Except(tested).ToList();
        Assert.True(missing.Count == 0, $"No test is named for trap {string.Join(", ", missing)}. Clients crash or go wrong silently there; name its test Trap_NN_….");
    }

    [GeneratedRegex(@"Trap(_(?<number>\d\d))+_", RegexOptions.ExplicitCapture)]
    private static partial Regex TrapName();
}
