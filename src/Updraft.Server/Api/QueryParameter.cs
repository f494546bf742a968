using System.ComponentModel.DataAnnotations;
using System.Reflection;
using Microsoft.AspNetCore.Http.Metadata;

namespace Updraft.Server.Api;

/// <summary>A query parameter that a handler declares.</summary>
/// <param name="Name">Name in the URL.</param>
/// <param name="Type">Type of the argument or property, without its nullability.</param>
/// <param name="Attributes">Attributes of the argument or property.</param>
/// <param name="IsText">Whether the handler parses the text itself, and rejects invalid values with a message of its own.</param>
internal sealed record QueryParameter(string Name, Type Type, IReadOnlyList<object> Attributes, bool IsText)
{
    private static readonly Type[] Types = [typeof(string), typeof(bool), typeof(int), typeof(long), typeof(DateTimeOffset)];

    /// <summary>Type of the values: the type, or the type of the items of a list.</summary>
    public Type ValueType => Type.GetElementType() ?? Type;

    /// <summary>Whether the parameter may occur several times.</summary>
    public bool IsList => Type.IsArray;

    /// <summary>The allowed values; empty if there is no such rule.</summary>
    public IReadOnlyList<string> Allowed { get; } =
        [.. Attributes.OfType<AllowedValuesAttribute>().SelectMany(allowed => allowed.Values.OfType<string>())];

    /// <summary>The query parameters of one argument of a handler: none for services, bodies and parts of the path.</summary>
    public static IEnumerable<QueryParameter> Of(ParameterInfo argument, IReadOnlyCollection<string> inPath)
    {
        var all = argument.IsDefined(typeof(AsParametersAttribute))
            ? argument.ParameterType.GetProperties().Select(property => Create(property.Name, property.PropertyType, property, isText: true))
            : inPath.Contains(argument.Name, StringComparer.Ordinal) ? []
            : [Create(argument.Name!, argument.ParameterType, argument, isText: false)];
        return all.Where(parameter => Types.Contains(parameter.ValueType));
    }

    private static QueryParameter Create(string name, Type type, ICustomAttributeProvider attributes, bool isText)
    {
        var all = attributes.GetCustomAttributes(inherit: true);
        return new QueryParameter(
            all.OfType<IFromQueryMetadata>().FirstOrDefault()?.Name ?? char.ToLowerInvariant(name[0]) + name[1..],
            Nullable.GetUnderlyingType(type) ?? type, all, isText);
    }
}
