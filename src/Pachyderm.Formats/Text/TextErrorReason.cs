namespace Pachyderm.Formats;

/// <summary>Why a value is not the text form of a message.</summary>
public enum TextErrorReason
{
    /// <summary>No error.</summary>
    None,

    /// <summary>The message has no field of that name.</summary>
    UnknownField,

    /// <summary>A field that can hold one value is given twice.</summary>
    AlreadySet,

    /// <summary>A scalar field's name is not followed by a colon.</summary>
    ExpectedColon,

    /// <summary>A message field's value does not start with <c>&lt;</c> or <c>{</c>.</summary>
    ExpectedMessage,

    /// <summary>A string field's value is not quoted.</summary>
    ExpectedString,

    /// <summary>A value is missing, or something else stands in its place.</summary>
    ExpectedValue,

    /// <summary>A list in brackets is not continued with a comma or closed.</summary>
    ExpectedListEnd,

    /// <summary>A byte that starts neither a field name nor the end of the message.</summary>
    UnexpectedByte,

    /// <summary>The text ends inside a string.</summary>
    UnterminatedString,

    /// <summary>The text ends inside a message or list.</summary>
    UnterminatedMessage,

    /// <summary>A backslash is followed by something that is no escape.</summary>
    BadEscape,

    /// <summary>Neither a name of the enumeration nor a number.</summary>
    BadEnum,

    /// <summary>Not a boolean.</summary>
    BadBool,

    /// <summary>Not a number.</summary>
    BadNumber,

    /// <summary>A number that its field cannot hold.</summary>
    NumberOutOfRange,

    /// <summary>Messages are nested more than 100 deep.</summary>
    TooDeep,
}
