package imkit

import "net/http"

// The documented errors. Where a page prints a body, status, RM, code and
// message are that page's.

func refused(status int, rm, code, message string) *apiError {
	return &apiError{status: status, rm: rm, code: code, message: message}
}

// invalidBody is printed on the update-config page.
func invalidBody(message string) *apiError {
	return refused(http.StatusBadRequest, "Bad Request", "INVALID_BODY", message)
}

// invalidRequest is what the token pages print instead.
func invalidRequest(message string) *apiError {
	return &apiError{http.StatusBadRequest, "Bad Request", "INVALID_REQUEST", message, true}
}

// missing is printed on the pages create-group, push-to-clients and
// update-last-read.
func missing(what string) *apiError {
	return refused(http.StatusBadRequest, "Bad Request", "MISSING_PARAMETER", what+" is required")
}

// invalidQuery is printed on the list-users page.
func invalidQuery(message string) *apiError {
	return refused(http.StatusBadRequest, "Invalid query syntax", "INVALID_QUERY", message)
}

func roomNotFound() *apiError {
	return refused(http.StatusNotFound, "Room not found", "ROOM_NOT_FOUND", "The specified room does not exist")
}

// roomIDNotFound is how get-a-room, update-a-room and freeze put it.
func roomIDNotFound() *apiError {
	return refused(http.StatusNotFound, "Room not found", "ROOM_NOT_FOUND", "Room with specified ID does not exist")
}

// clientNotFound is printed on the mute-member page. Pages that only say that
// an unknown user is an error get it too.
func clientNotFound() *apiError {
	return refused(http.StatusNotFound, "Client not found", "CLIENT_NOT_FOUND", "The specified client does not exist")
}

// messageNotFound is printed on the delete-a-message page.
func messageNotFound() *apiError {
	return refused(http.StatusNotFound, "Message not found", "MESSAGE_NOT_FOUND", "The specified message does not exist in this room")
}

// notMember is the wording of get-a-room.
func notMember() *apiError {
	return refused(http.StatusForbidden, "Forbidden", "NOT_ROOM_MEMBER", "You are not a member of this room")
}

// forbidden is a missing right on a room.
func forbidden(rm, message string) *apiError {
	return refused(http.StatusForbidden, rm, "INSUFFICIENT_PERMISSIONS", message)
}

// roomExists follows GROUP_ALREADY_EXISTS; the create-a-room page prints none.
func roomExists() *apiError {
	return refused(http.StatusConflict, "Conflict", "ROOM_ALREADY_EXISTS", "A room with this ID already exists")
}

// tooManyMembers is the mock's own bound.
func tooManyMembers() *apiError {
	return invalidBody("this mock keeps at most 5000 members of a room or group")
}
