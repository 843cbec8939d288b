package imkit

import "net/http"

// The documented errors. Where a page shows a body, status, RM, code and message
// are taken from it.

func refused(status int, rm, code, message string) *apiError {
	return &apiError{status: status, rm: rm, code: code, message: message}
}

// invalidBody is documented on the update-config page.
func invalidBody(message string) *apiError {
	return refused(http.StatusBadRequest, "Bad Request", "INVALID_BODY", message)
}

// invalidRequest is documented on the token pages.
func invalidRequest(message string) *apiError {
	return &apiError{http.StatusBadRequest, "Bad Request", "INVALID_REQUEST", message, true}
}

// missing is documented on the pages create-group, push-to-clients and
// update-last-read.
func missing(what string) *apiError {
	return refused(http.StatusBadRequest, "Bad Request", "MISSING_PARAMETER", what+" is required")
}

// invalidQuery is documented on the list-users page.
func invalidQuery(message string) *apiError {
	return refused(http.StatusBadRequest, "Invalid query syntax", "INVALID_QUERY", message)
}

func roomNotFound() *apiError {
	return refused(http.StatusNotFound, "Room not found", "ROOM_NOT_FOUND", "The specified room does not exist")
}

// roomIDNotFound is documented on the pages get-a-room, update-a-room and freeze.
func roomIDNotFound() *apiError {
	return refused(http.StatusNotFound, "Room not found", "ROOM_NOT_FOUND", "Room with specified ID does not exist")
}

// clientNotFound is documented on the mute-member page. It is also used for pages
// that document an unknown user as an error without a body.
func clientNotFound() *apiError {
	return refused(http.StatusNotFound, "Client not found", "CLIENT_NOT_FOUND", "The specified client does not exist")
}

// messageNotFound is documented on the delete-a-message page.
func messageNotFound() *apiError {
	return refused(http.StatusNotFound, "Message not found", "MESSAGE_NOT_FOUND", "The specified message does not exist in this room")
}

// notMember is documented on the page get-a-room.
func notMember() *apiError {
	return refused(http.StatusForbidden, "Forbidden", "NOT_ROOM_MEMBER", "You are not a member of this room")
}

// forbidden refuses an operation on a room for which the caller lacks the right.
func forbidden(rm, message string) *apiError {
	return refused(http.StatusForbidden, rm, "INSUFFICIENT_PERMISSIONS", message)
}

// roomExists is modelled on GROUP_ALREADY_EXISTS; the page create-a-room
// documents no error.
func roomExists() *apiError {
	return refused(http.StatusConflict, "Conflict", "ROOM_ALREADY_EXISTS", "A room with this ID already exists")
}

// tooManyMembers refuses to exceed the mock's own bound.
func tooManyMembers() *apiError {
	return invalidBody("this mock keeps at most 5000 members of a room or group")
}
